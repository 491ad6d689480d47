"""Runs the training guide's road on real photographs and keeps what it came to.

    python benchmarks/release/main_job.py kaggle_groups --data ../shared/data --weights PATH

Each job calls the guide's two commands as a user would, in processes of their own, and saves
`benchmarks/results/main_job_<name>.json`. With `--again` the folders of a finished job are read
anew, and nothing is trained.
"""

import argparse
import json
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import save
from benchmarks.release.catalogue import RELEASE, STUDY, names_for
from benchmarks.tables import read

ROOT = Path(__file__).resolve().parents[2]
UNSEEN_SIGNERS = ("dev_signify", "dev_inaudible")
NOT_LETTERS = ("digits_218",)


@dataclass(frozen=True)
class Job:
    """One road: which sources, how they are split, how they are trained."""

    title: str
    sources: tuple[str, ...] | None
    prepare: tuple[str, ...] = ()
    train: tuple[str, ...] = ()


JOBS = {
    "kaggle_random": Job(
        title="The guide's data set, split at random (what everyone else quotes)",
        sources=("kaggle_alphabet",),
        prepare=("--split", "random"),
        train=("--epochs", "6", "--img_size", "160", "160", "--synth", "0"),
    ),
    "kaggle_groups": Job(
        title="The guide's data set, leak-safe",
        sources=("kaggle_alphabet",),
        train=("--epochs", "12", "--img_size", "160", "160"),
    ),
    "combined": Job(
        title="All sources that are not kept as unseen signers, leak-safe",
        sources=None,
        train=("--epochs", "9", "--img_size", "160", "160"),
    ),
}


def sources_of(job: Job, data: Path) -> list[Path]:
    """Returns the job's folders; all but unseen signers and digits where it names none."""
    every = sorted({*names_for(RELEASE, STUDY)} - {*NOT_LETTERS})
    return [data / name for name in job.sources or every]


def run_job(name: str, data: Path, weights: str, work: Path) -> dict[str, Any]:
    """Prepares, trains, exports and evaluates; returns the figures."""
    job = JOBS[name]
    dataset, output = work / name / "dataset", work / name / "output"
    prepare = ["backend/prepare_dataset.py", "--input_dir", *map(str, sources_of(job, data))]
    prepare += ["--output_dir", str(dataset), "--overwrite", *job.prepare]
    train = ["backend/train_finetune.py", "--dataset_dir", str(dataset)]
    train += ["--output_dir", str(output), "--batch_size", "32", *job.train]
    train += ["--weights", weights, "--overwrite", "--unseen_signers"]
    train += [str(data / name) for name in UNSEEN_SIGNERS]
    seconds = {"prepare": timed(prepare), "train_export_evaluate": timed(train)}
    return {
        "title": job.title,
        "commands": [f"python {shlex.join(command)}" for command in (prepare, train)],
        "wall_s": seconds,
        **figures(work / name),
    }


def timed(arguments: list[str]) -> float:
    """Runs one of the project's programs from its root; returns its wall time in seconds."""
    started_s = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
    return round(time.perf_counter() - started_s, 1)


def figures(work: Path) -> dict[str, Any]:
    """Returns what the results page quotes from a finished job's folders."""
    output = work / "output"
    prepared = json.loads((work / "dataset" / "report.json").read_text(encoding="utf-8"))
    run, report, parity, history = (
        json.loads((output / file).read_text(encoding="utf-8"))
        for file in ("run.json", "evaluation_report.json", "parity.json", "training_history.json")
    )
    rates = zip(history["phase"], history["pictures_per_s"], strict=True)
    best = history["val_loss"].index(min(history["val_loss"]))
    kept = ("machine", "versions", "commit", "finished", "peak_memory_bytes", "train_s")
    return {
        **{name: run[name] for name in (*kept, "export_s", "evaluate_s", "device")},
        "weights_origin": run["weights_origin"],
        "seed": run["config"]["seed"],
        "split_rule": run["split_rule"],
        "pictures": run["pictures"],
        "synthetic_pictures": run["synthetic_pictures"],
        "leak": prepared["leak"],
        "epochs": {name: history["phase"].count(name) for name in sorted(set(history["phase"]))},
        "pictures_per_s": max(x for phase, x in rates if phase == "finetune"),
        "validation_accuracy": history["val_accuracy"][best],
        "test_accuracy": report["test_accuracy"],
        "macro_f1": report["macro_f1"],
        "intervals": report["intervals"],
        "calibration_error": report["calibration"]["expected_calibration_error"],
        "tflite": {
            x: report["tflite"][x] for x in ("test_accuracy", "agreement", "max_difference")
        },
        "files_bytes": {p.name: p.stat().st_size for p in sorted(output.glob("*.tflite"))},
        "parity": parity["exports"],
        "unseen_signers": {
            name: {key: section[key] for key in ("letters_26", "letters_24")}
            | {"expected_calibration_error": section["calibration"]["expected_calibration_error"]}
            for name, section in report["unseen_signers"].items()
        },
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("jobs", nargs="+", choices=list(JOBS), help="which roads to run")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--work", type=Path, default=Path("build/main_job"))
    parser.add_argument("--again", action="store_true", help="read finished jobs' folders anew")
    args = parser.parse_args()
    for name in args.jobs:
        if args.again:
            result = {**read(f"main_job_{name}"), **figures(args.work / name)}
        else:
            result = run_job(name, args.data, args.weights, args.work)
        save(f"main_job_{name}", result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
