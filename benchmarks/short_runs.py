"""Studies in many short runs of `configs/unseen signers.py`: small pictures, few epochs.

Two epochs from ImageNet's weights end where nobody would stop, so every run begins with a backbone
that was taught synthetic hands before, once for all of them: it has seen no photograph of a hand.

Two cores get more done with one run each than with one run on both. `--budget_s 0` makes what all
runs share, `--part 1/2` and `--part 2/2`, each held to a core, do them, and a last call saves.
"""

from __future__ import annotations

import argparse
import hashlib
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthetic_hands import program

from circumstances import circumstances, save
from levers import ROOT, prepare
from run_by_run import Job, run_by_run
from source_names import STRANGERS, STUDY_ONLY, require_sources
from starter_sources import RENAMED, SOURCES

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig

RELEASABLE = tuple(name for name, *_ in SOURCES if name not in RENAMED)
EPOCHS, SIDE_PX, DRAWN = 2, 96, 100
FIRST_EPOCHS, FIRST_DRAWN, FIRST_SEED = 8, 400, 1
CHANCE = "none"
"""The `weights` of a network that begins with random ones."""

WORDS = ("imagenet", "starter", CHANCE)
"""Weights that are no file."""


def unchanged(config: TrainConfig) -> TrainConfig:
    """Returns the recipe as it is."""
    return config


@dataclass(frozen=True, slots=True)
class Trial:
    """What is trained on, what is read, and what is changed of the recipe.

    A dear one has so many `seeds` at most, and comes last.
    """

    name: str
    sources: tuple[str, ...]
    read: tuple[str, ...]
    change: Callable[[TrainConfig], TrainConfig] = unchanged
    seeds: int = sys.maxsize


def parser(about: str) -> argparse.ArgumentParser:
    """Returns the options that all these studies have."""
    made = argparse.ArgumentParser(description=about.splitlines()[0])
    add = made.add_argument
    add("--data", type=Path, default=Path("../shared/data"))
    add("--weights", required=True, help="of MobileNetV3Large without its top")
    add("--first_epochs", type=int, default=FIRST_EPOCHS, help="of synthetic hands alone; 0: none")
    add("--first_synthetic", type=int, default=FIRST_DRAWN, help="synthetic hands a class in these")
    add("--releasable", nargs="+", default=list(RELEASABLE))
    add("--study_only", nargs="+", default=list(STUDY_ONLY))
    add("--seeds", type=int, nargs="+", default=[1])
    add("--epochs", type=int, default=EPOCHS)
    add("--side", type=int, default=SIDE_PX, help="of the network, in pixels")
    add("--drawn", type=int, default=DRAWN, help="synthetic hands a class")
    add("--batch_size", type=int, default=32)
    add("--budget_s", type=float, default=float("inf"), help="no run begins after so long")
    add("--part", type=part, default=(1, 1), metavar="K/N", help="every Nth run, from the Kth")
    add("--work", type=Path, default=Path("build/short_runs"))
    add("--name", help="of the file in benchmarks/results (default: the study's)")
    return made


def given(options: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """Returns what was asked for; ends with code 2 before hands are drawn for minutes in vain."""
    args = options.parse_args(argv)
    names = (*args.releasable, *args.study_only, *STRANGERS)
    require_sources(options, ROOT / args.data, names)
    if args.weights not in WORDS and not (ROOT / args.weights).is_file():
        options.error(f"no file {args.weights}: give --weights a file, or {' or '.join(WORDS)}")
    return args


def part(text: str) -> tuple[int, int]:
    """Reads `2/3`: the second of three calls that share the runs of one study."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; expected 1/2 or 2/2, say")
    return int(number), int(of)


def recipe(
    args: argparse.Namespace, dataset: Path, output: Path, seed: int, weights: str
) -> TrainConfig:
    """Returns the short form of the recipe for unseen signers, which is read with one look."""
    from fingerspell.config.recipe import load_recipe

    whole = load_recipe(ROOT / "configs" / "unseen signers.py").config(
        dataset_dir=dataset,
        output_dir=output,
        weights=weights,
        image_size_px=(args.side, args.side),
        epochs=args.epochs,
        synthetic_per_class=args.synthetic,
        batch_size=args.batch_size,
        seed=seed,
        trust=True,
        overwrite=True,
    )
    return replace(whole, model=replace(whole.model, views="single"))


def first_weights(args: argparse.Namespace) -> str:
    """Returns the file of a backbone that has learnt synthetic hands and nothing else.

    Trained once for each --work; without epochs for it, `--weights` itself.
    """
    if args.first_epochs == 0:
        return str(args.weights)
    from fingerspell.model import load_recogniser
    from fingerspell.model.build import backbone_of
    from fingerspell.train.run import train

    of = "_from_chance" if str(args.weights) == CHANCE else ""
    name = f"synthetic_{args.first_synthetic}_{args.side}_{args.first_epochs}{of}"
    path = ROOT / args.work / f"{name}.weights.h5"
    if not path.is_file():
        synthetic, dataset = (
            args.work / f"synthetic_{args.first_synthetic}",
            args.work / f"dataset_{name}",
        )
        if not (ROOT / synthetic).exists():
            program(
                "synth", "dataset", "--per_class", str(args.first_synthetic), "-o", str(synthetic)
            )
        program("prepare", "--input_dir", str(synthetic), "--output_dir", str(dataset),
                "--split", "random", "--overwrite")  # fmt: skip
        whole = recipe(args, ROOT / dataset, ROOT / args.work / "run", FIRST_SEED, args.weights)
        phases = tuple(replace(x, epochs=args.first_epochs) for x in whole.phases)
        config = replace(whole, phases=phases, synthetic_per_class=0)
        train(config)
        partial_path = path.with_name(f"partial_{path.name}")
        backbone_of(load_recogniser(config.output_dir / "model.keras")).save_weights(partial_path)
        partial_path.replace(path)
    return str(path)


def one(trial: Trial, config: TrainConfig, data: Path) -> dict[str, Any]:
    """Trains one run and reads the sources of the trial with one look; returns its figures."""
    import keras

    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.model import load_recogniser
    from fingerspell.train.run import train
    from reading import accuracy, packaged, unseen_signers

    keras.backend.clear_session()
    facts = train(config)
    manifest = read_manifest(config.dataset_dir)
    size_px = config.model.image_size_px
    network = packaged(load_recogniser(config.output_dir / "model.keras"))
    read = unseen_signers(network, data, manifest.labels, size_px, trial.read)["sources"]
    return {
        "train_s": facts["train_s"],
        "commit": facts["commit"],
        "test": accuracy(network, manifest, "test", size_px),
        "read": read,
    }


def study(
    name: str, args: argparse.Namespace, trials: Sequence[Trial], given: Sequence[str]
) -> int:
    """Does the runs that are left, and saves `benchmarks/results/<name>.json`, or `--name`, after
    each.

    Calls that share a study save nothing: a last one without `--part` finds their runs.
    """
    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.train.run import fingerprint

    number, of = args.part
    output = ROOT / args.work / f"run_{number}"

    def jobs() -> Iterator[Job]:
        taught = first_weights(args)
        runs = [(seed, trial) for seed in args.seeds for trial in trials if seed <= trial.seeds]
        cheap_first = sorted(runs, key=lambda run: -run[1].seeds)
        for seed, trial in cheap_first[number - 1 :: of]:
            dataset = args.work / f"dataset_{_digest(' '.join(trial.sources))}"
            prepare([args.data / source for source in trial.sources], dataset)
            config = trial.change(recipe(args, ROOT / dataset, output, seed, taught))
            digest = fingerprint(config, read_manifest(ROOT / dataset))
            yield Job(
                f"{trial.name}, seed {seed}",
                ROOT / args.work / f"{name}_{_digest(trial.name)}_{seed}.json",
                {"trial": trial.name, "sources": list(trial.sources), "seed": seed,
                 "fingerprint": digest},
                partial(one, trial, config, ROOT / args.data),
            )  # fmt: skip

    def told(runs: list[dict[str, Any]]) -> None:
        if of > 1:
            return
        said = circumstances(shlex.join(["python", f"benchmarks/{name}.py", *given]))
        said["commit"] = ", ".join(sorted({run["commit"] for run in runs}))
        save(args.name or name, {**said, "epochs": args.epochs, "image_px": args.side,
                    "synthetic_per_class": args.synthetic, "first_epochs": args.first_epochs,
                    "first_drawn_per_class": args.first_synthetic, "runs": runs})  # fmt: skip

    return run_by_run(jobs(), args.budget_s, told)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def asked(argv: list[str] | None) -> list[str]:
    """Returns the command line that a study was started with."""
    return sys.argv[1:] if argv is None else argv
