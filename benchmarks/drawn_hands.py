"""Do synthetic hands teach letters? Trained on them alone, and mixed with photographs or not.

    python benchmarks/synthetic_hands.py alone mixed --data ../shared/data --weights PATH

*alone* draws a data set and reads people's photographs with what it taught; *mixed* trains on
photographs with and without synthetic hands, several seeds each. Every run is read back by people
that no run was trained on. Saves `benchmarks/results/synthetic_hands_<job>.json`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from circumstances import circumstances, save

ROOT = Path(__file__).resolve().parents[1]
STRANGERS = ("dev_signify", "dev_inaudible", "dev_greywall", "dev_bright_hand", "dev_two_scenes")
SEEDS = (1, 2, 3)
SIDE_PX = 128


def alone(data: Path, weights: str, work: Path, per_class: int, epochs: int) -> dict[str, Any]:
    """Trains on synthetic pictures only; reads the unseen signers and massey's cut-out hands."""
    synthetic, dataset = work / "synthetic", work / "synthetic_dataset"
    if not (ROOT / synthetic).exists():
        program("synth", "dataset", "--per_class", str(per_class), "-o", str(synthetic))
    program("prepare", "--input_dir", str(synthetic), "--output_dir", str(dataset),
            "--split", "random", "--overwrite")  # fmt: skip
    people = [data / name for name in (*STRANGERS, "massey")]
    run = trained(
        dataset, weights, work / "alone", people, epochs=epochs, seed=SEEDS[0], synthetic=0
    )
    return {"synthetic_per_class": per_class, **run}


def mixed(
    data: Path, weights: str, work: Path, sources: list[str], epochs: int, synthetic: int
) -> dict[str, Any]:
    """Trains on photographs with and without synthetic hands; three seeds of each."""
    dataset = work / "photographs"
    folders = [str(data / name) for name in sources]
    program("prepare", "--input_dir", *folders, "--output_dir", str(dataset), "--overwrite")
    people = [data / name for name in STRANGERS]
    runs = []
    for seed in SEEDS:
        for count in (0, synthetic):
            output = work / f"mixed_{count}_{seed}"
            run = trained(
                dataset, weights, output, people, epochs=epochs, seed=seed, synthetic=count
            )
            runs.append({"synthetic_per_class": count, "seed": seed, **run})
    return {"sources": sources, "runs": runs, "mean": means(runs)}


def trained(
    dataset: Path, weights: str, output: Path, people: list[Path], *, epochs: int, seed: int,
    synthetic: int,
) -> dict[str, Any]:  # fmt: skip
    """Runs `train` as a user would; returns what its report says of every folder of people."""
    arguments = ["train", "--dataset_dir", str(dataset), "--output_dir", str(output)]
    arguments += ["--weights", weights, "--img_size", str(SIDE_PX), str(SIDE_PX), "--overwrite"]
    arguments += ["--epochs", str(epochs), "--seed", str(seed), "--synth", str(synthetic)]
    program(*arguments, "--unseen_signers", *map(str, people))
    run, report = (
        json.loads((ROOT / output / name).read_text(encoding="utf-8"))
        for name in ("run.json", "evaluation_report.json")
    )
    unseen_signers = {
        name: {
            "letters_26": section["letters_26"]["accuracy"],
            "letters_24": section["letters_24"]["accuracy"],
            "recall": {k: v["recall"] for k, v in section["per_class_metrics"].items()},
        }
        for name, section in report["unseen_signers"].items()
    }
    return {
        "train_command": f"fingerspell {shlex.join(arguments)}",
        "pictures": run["pictures"],
        "synthetic_pictures": run["synthetic_pictures"],
        "train_s": run["train_s"],
        "test_accuracy": report["test_accuracy"],
        "unseen_signers": unseen_signers,
        "mean_letters_24": statistics.fmean(s["letters_24"] for s in unseen_signers.values()),
        "mean_letters_26": statistics.fmean(s["letters_26"] for s in unseen_signers.values()),
    }


def means(runs: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns mean and range over seeds for each number of synthetic hands."""
    table = {}
    for count in sorted({run["synthetic_per_class"] for run in runs}):
        scores = [r["mean_letters_24"] for r in runs if r["synthetic_per_class"] == count]
        table[str(count)] = {
            "mean_letters_24": statistics.fmean(scores), "lowest": min(scores),
            "highest": max(scores),
        }  # fmt: skip
    return table


def program(*arguments: str) -> None:
    """Runs one of the package's commands; its output goes to the terminal."""
    command = [sys.executable, "-m", "fingerspell", *arguments]
    subprocess.run(command, cwd=ROOT, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("jobs", nargs="+", choices=["alone", "mixed"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--work", type=Path, default=Path("build/synthetic_hands"))
    parser.add_argument("--sources", nargs="+", default=["kaggle_alphabet"])
    parser.add_argument("--per_class", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--drawn", type=int, default=100)
    args = parser.parse_args()
    work, data = args.work, args.data  # Relative to the project's root, as the saved commands.
    (ROOT / work).mkdir(parents=True, exist_ok=True)
    said = circumstances(shlex.join(["python", "benchmarks/synthetic_hands.py", *sys.argv[1:]]))
    for job in args.jobs:
        if job == "alone":
            found = alone(data, args.weights, work, args.per_class, args.epochs)
        else:
            found = mixed(data, args.weights, work, args.sources, args.epochs, args.synthetic)
        save(f"synthetic_hands_{job}", {**said, "image_px": SIDE_PX, **found})
        print(json.dumps(found.get("mean", found), indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
