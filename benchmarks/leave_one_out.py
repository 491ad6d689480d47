"""Train on all sources but one and read that one: what may a stranger expect?

    python benchmarks/leave_one_out.py --data ../shared/data --weights FILE --budget_s 5400

A short form of `configs/strangers.py` (small pictures, few epochs) once for each source that is
left out; then with all of them, and with only those whose licence lets a trained network be
released, both read on the `dev_` sources: what the licence costs. Every finished run is kept in
--work, so a second call does what is left. Saves `benchmarks/results/leave_one_out.json` after
each.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circumstances import circumstances, save
from levers import ROOT, prepare
from reading import STRANGERS
from run_by_run import Job, run_by_run
from starter_card import SOURCES
from starter_sources import RENAMED

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig

NAME = "leave_one_out"
RELEASABLE = tuple(name for name, *_ in SOURCES if name not in RENAMED)
STUDY_ONLY = ("kaggle_alphabet", "four_signers", "webcam_green", "silhouette", "lowres_dark")
EPOCHS, SIDE_PX, DRAWN = 6, 96, 150


@dataclass(frozen=True, slots=True)
class Trial:
    """What is trained on, and what is read."""

    name: str
    sources: tuple[str, ...]
    read: tuple[str, ...]


def trials(releasable: Sequence[str], study_only: Sequence[str]) -> list[Trial]:
    """Returns the price of the licence first, then each source left out."""
    every = (*releasable, *study_only)
    return [
        Trial("releasable sources", tuple(releasable), STRANGERS),
        Trial("all sources", every, STRANGERS),
        *(Trial(f"without {x}", tuple(s for s in every if s != x), (x,)) for x in every),
    ]


def recipe(args: argparse.Namespace, dataset: Path, output: Path, seed: int) -> TrainConfig:
    """Returns the short form of the recipe for strangers."""
    from fingerspell.config.recipe_file import load_recipe

    return load_recipe(ROOT / "configs" / "strangers.py").config(
        dataset_dir=dataset,
        output_dir=output,
        weights=args.weights,
        image_size_px=(args.side, args.side),
        epochs=args.epochs,
        drawn_per_class=args.drawn,
        batch_size=args.batch_size,
        seed=seed,
        trust=True,
        overwrite=True,
    )


def one(trial: Trial, config: TrainConfig, data: Path) -> dict[str, Any]:
    """Trains one run and reads the sources of the trial; returns its figures."""
    import keras

    from fingerspell.data.manifest import read_manifest
    from fingerspell.model import load_recogniser
    from fingerspell.train.run import train
    from reading import accuracy, packaged, strangers

    keras.backend.clear_session()
    facts = train(config)
    manifest = read_manifest(config.dataset_dir)
    size_px = config.model.image_size_px
    network = packaged(load_recogniser(config.output_dir / "model.keras"))
    people = strangers(network, data, manifest.labels, size_px, trial.read)
    return {
        "train_s": facts["train_s"],
        "commit": facts["commit"],
        "test": accuracy(network, manifest, "test", size_px),
        "read": people["sources"],
        "mean_24": people["mean_letters_24"],
        "mean_26": people["mean_letters_26"],
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--weights", required=True, help="of MobileNetV3Large without its top")
    add("--releasable", nargs="+", default=list(RELEASABLE))
    add("--study_only", nargs="+", default=list(STUDY_ONLY))
    add("--seeds", type=int, nargs="+", default=[1])
    add("--epochs", type=int, default=EPOCHS)
    add("--side", type=int, default=SIDE_PX, help="of the network, in pixels")
    add("--drawn", type=int, default=DRAWN, help="drawn hands a class")
    add("--batch_size", type=int, default=32)
    add("--budget_s", type=float, default=float("inf"), help="no run begins after so long")
    add("--work", type=Path, default=Path("build/leave_one_out"))
    args = parser.parse_args(argv)
    given = sys.argv[1:] if argv is None else argv

    from fingerspell.data.manifest import read_manifest
    from fingerspell.train.run import fingerprint

    def jobs() -> Iterator[Job]:
        for seed in args.seeds:
            for number, trial in enumerate(trials(args.releasable, args.study_only)):
                dataset = args.work / f"dataset_{number}"
                prepare([args.data / name for name in trial.sources], dataset)
                output = ROOT / args.work / f"run_{number}"
                config = recipe(args, ROOT / dataset, output, seed)
                digest = fingerprint(config, read_manifest(ROOT / dataset))
                yield Job(
                    f"{trial.name}, seed {seed}",
                    ROOT / args.work / f"{number}_{seed}.json",
                    {"trial": trial.name, "sources": list(trial.sources), "seed": seed,
                     "fingerprint": digest},
                    partial(one, trial, config, ROOT / args.data),
                )  # fmt: skip

    def told(runs: list[dict[str, Any]]) -> None:
        said = circumstances(shlex.join(["python", f"benchmarks/{NAME}.py", *given]))
        said["commit"] = ", ".join(sorted({run["commit"] for run in runs}))
        save(NAME, {**said, "epochs": args.epochs, "image_px": args.side,
                    "drawn_per_class": args.drawn, "runs": runs})  # fmt: skip

    return run_by_run(jobs(), args.budget_s, told)


if __name__ == "__main__":
    raise SystemExit(main())
