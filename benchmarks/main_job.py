"""Runs the training guide's road on real photographs and keeps what it came to.

    python benchmarks/main_job.py kaggle_groups --data ../shared/data --weights PATH

Each job calls the guide's two commands as a user would, in processes of their own, and saves
`benchmarks/results/main_job_<name>.json`. `python benchmarks/main_job.py --page` writes
docs/results.md from those files alone.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "results.md"
STRANGERS = ("dev_signify", "dev_inaudible")
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
        title="All sources that are not kept for unseen signers, leak-safe",
        sources=None,
        train=("--epochs", "9", "--img_size", "160", "160"),
    ),
}


def sources_of(job: Job, data: Path) -> list[Path]:
    """Returns the job's folders; all but the unseen signers and the digits where it names none."""
    if job.sources:
        return [data / name for name in job.sources]
    return sorted(
        path
        for path in data.iterdir()
        if path.is_dir() and not path.name.startswith("dev_") and path.name not in NOT_LETTERS
    )


def run_job(name: str, data: Path, weights: str, work: Path) -> dict[str, Any]:
    """Prepares, trains, exports and evaluates; returns the figures."""
    job = JOBS[name]
    dataset, output = work / name / "dataset", work / name / "output"
    prepare = ["backend/prepare_dataset.py", "--input_dir", *map(str, sources_of(job, data))]
    prepare += ["--output_dir", str(dataset), "--overwrite", *job.prepare]
    train = ["backend/train_finetune.py", "--dataset_dir", str(dataset)]
    train += ["--output_dir", str(output), "--batch_size", "32", *job.train]
    train += ["--weights", weights, "--overwrite"]
    train += ["--unseen_signers", *(str(data / s) for s in STRANGERS)]
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
    """Returns what the page quotes from a finished job's folders."""
    output = work / "output"
    prepared = json.loads((work / "dataset" / "report.json").read_text(encoding="utf-8"))
    run, report, parity, history = (
        json.loads((output / file).read_text(encoding="utf-8"))
        for file in ("run.json", "evaluation_report.json", "parity.json", "training_history.json")
    )
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
        "pictures_per_s": max(
            rate
            for phase, rate in zip(history["phase"], history["pictures_per_s"], strict=True)
            if phase == "finetune"
        ),
        "validation_accuracy": history["val_accuracy"][best_epoch(history["val_loss"])],
        "test_accuracy": report["test_accuracy"],
        "macro_f1": report["macro_f1"],
        "intervals": report["intervals"],
        "calibration_error": report["calibration"]["expected_calibration_error"],
        "tflite": {
            key: report["tflite"][key] for key in ("test_accuracy", "agreement", "max_difference")
        },
        "files_bytes": {p.name: p.stat().st_size for p in sorted(output.glob("*.tflite"))},
        "parity": parity["exports"],
        "unseen_signers": {
            name: {
                "letters_26": section["letters_26"],
                "letters_24": section["letters_24"],
                "expected_calibration_error": section["calibration"]["expected_calibration_error"],
            }
            for name, section in report["unseen_signers"].items()
        },
    }


def best_epoch(losses: list[float]) -> int:
    """Returns which epoch's weights were kept."""
    return min(range(len(losses)), key=losses.__getitem__)


def percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}".replace("%", " %")


def page(results: dict[str, dict[str, Any]]) -> str:
    """Returns docs/results.md."""
    parts = [
        "# Results",
        "",
        "Written by `python benchmarks/main_job.py --page` from `benchmarks/results/*.json`; "
        "do not edit by hand. Every figure is one run with one seed.",
        "",
        "| run | own test pictures | 95 % over groups | unseen signers: "
        + " | ".join(f"{s} 26 / 24 letters" for s in STRANGERS)
        + " | wall time |",
        "|---|---|---|" + "---|" * len(STRANGERS) + "---|",
        *(_row(result) for result in results.values()),
        "",
        "Unseen signers are people and cameras that no training picture shows; *24 letters* leaves out "
        "J and Z, which are movements. They are read by the float32 TFLite file. No picture of "
        "theirs was trained on, but the synthetic hands' shapes were mended after looking at pictures "
        "and scores of `dev_` sources: these unseen signers are no longer quite unseen.",
        "",
    ]
    for result in results.values():
        parts += _section(result)
    return "\n".join(parts)


def _row(result: dict[str, Any]) -> str:
    low, high = result["intervals"]["groups_95"] or (None, None)
    unseen_signers = (
        f"{percent(s['letters_26']['accuracy'])} / {percent(s['letters_24']['accuracy'])}"
        for s in (result["unseen_signers"][name] for name in STRANGERS)
    )
    minutes = sum(result["wall_s"].values()) / 60
    return (
        f"| {result['title']} | **{percent(result['test_accuracy'])}** | {percent(low)} – "
        f"{percent(high)} | {' | '.join(unseen_signers)} | {minutes:.1f} min |"
    )


def _section(result: dict[str, Any]) -> list[str]:
    seconds, leak = result["wall_s"], result["leak"]
    pictures = ", ".join(f"{count:,} {split}" for split, count in result["pictures"].items())
    epochs = ", ".join(f"{count} {phase}" for phase, count in sorted(result["epochs"].items()))
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items() if k != "fingerspell")
    crossing = leak["this_split"]["test_pictures_with_twin_in_train"]
    return [
        f"## {result['title']}",
        "",
        "```",
        *result["commands"],
        "```",
        "",
        f"* **Pictures**: {pictures}; beside them {result['synthetic_pictures']:,} synthetic ones in "
        f"train; {crossing:,} of {leak['this_split']['test_pictures']:,} test "
        "pictures have a near duplicate in train (a random split: "
        f"{leak['random_split']['test_pictures_with_twin_in_train']:,} of "
        f"{leak['random_split']['test_pictures']:,}).",
        f"* **Own test pictures**: {percent(result['test_accuracy'])}, macro F1 "
        f"{result['macro_f1']:.3f}, calibration error {percent(result['calibration_error'])}, in "
        f"{result['intervals']['groups']} groups. Validation pictures, other groups: "
        f"{percent(result['validation_accuracy'])}.",
        f"* **TFLite**: {percent(result['tflite']['test_accuracy'])}, the same class on "
        f"{percent(result['tflite']['agreement'])} of the test pictures; "
        + ", ".join(f"{n} {b / 1e6:.1f} MB" for n, b in result["files_bytes"].items())
        + ".",
        "* **Exports against Keras**: "
        + "; ".join(
            f"{name} {proof['max_difference']:.1e} ({percent(proof['agreement'])})"
            for name, proof in result["parity"].items()
        )
        + f", on {next(iter(result['parity'].values()))['pictures']} pictures: largest "
        "difference of a probability, share of pictures with the same class.",
        f"* **Time**: prepare {seconds['prepare']:.0f} s; train {result['train_s']:.0f} s "
        f"({epochs} epochs, at best {result['pictures_per_s']:.0f} pictures/s), export "
        f"{result['export_s']:.0f} s, evaluate {result['evaluate_s']:.0f} s; both commands "
        f"{sum(seconds.values()) / 60:.1f} min. Peak memory "
        f"{result['peak_memory_bytes'] / 1e9:.1f} GB.",
        f"* **Circumstances**: {result['machine']['system']}, {result['machine']['processor']}, "
        f"{result['machine']['cores']} cores, no GPU; first weights: {result['weights_origin']}; "
        f"seed {result['seed']}; commit {result['commit']}; {versions}.",
        "",
    ]


def read_results() -> dict[str, dict[str, Any]]:
    """Returns the saved results in the order of `JOBS`."""
    return {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in JOBS
        if (path := RESULTS / f"main_job_{name}.json").is_file()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("jobs", nargs="*", choices=[*JOBS, []], help="which roads to run")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--work", type=Path, default=Path("build/main_job"))
    parser.add_argument("--again", action="store_true", help="read finished run folders anew")
    parser.add_argument("--page", action="store_true", help="write docs/results.md")
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for name in args.jobs:
        if args.again:
            result = {**read_results()[name], **figures(args.work / name)}
        else:
            result = run_job(name, args.data, args.weights, args.work)
        text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
        (RESULTS / f"main_job_{name}.json").write_text(text, encoding="utf-8", newline="\n")
    if args.page:
        PAGE.write_text(page(read_results()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
