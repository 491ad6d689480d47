"""What helps unseen signers? Each choice of the recipe undone, and others tried, on one card.

    python benchmarks/run_of_card.py start --weights IMAGENET.weights.h5 --output IMAGENET.npz
    python benchmarks/unseen_signers_levers.py --network IMAGENET.npz --data ../shared/data

`configs/unseen signers.py` for some hundred steps, from ImageNet's weights and read with one look. Needs
PyTorch and what drawing hands needs, as `train_on_card.py`. Trained on the sources that may be
released; read are the five that may only be studied, by which to choose, and the five `dev_`
sources, which choose nothing. All trials learn as many pictures and the same synthetic hands. Writes
`--output` after each; `levers_of_card.py` makes it a result.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from card_learning import (
    State,
    answers,
    changed_stage,
    clock,
    fastest,
    learn,
    mean_24,
    name_of,
    network_on,
    own,
    restore,
    state_of,
    usual_changes,
)
from card_step import Stage, Step
from fingerspell.config import AugmentConfig
from on_card import OnCard, brought, options
from source_names import STRANGERS, STUDY_ONLY
from twin import Twin, load_network

RECIPE = "the recipe"
SEEDS = (1, 2, 3)
DRAWN = 11_600
"""Synthetic hands, 400 a class as in the recipe."""

STILL = dict.fromkeys(("rotate_deg", "shift", "zoom", "farther", "shear", "squeeze"), 0.0)
COLOURS = dict.fromkeys(("brightness", "contrast", "saturation", "hue_deg", "grey_share"), 0.0)
DAMAGE = dict.fromkeys(("blur_share", "noise_share", "low_resolution_share"), 0.0)
FROZEN_RATE = 1e-3
"""Frozen statistics do not bear the rate of trained ones (docs/adr/0011)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial's name, its stage, and the trial whose end it begins with, "" for the start.

    `steps` is its length to the recipe's; `teachers` are the trials whose ends teach it.
    """

    name: str
    stage: Stage
    of: str = ""
    steps: float = 1.0
    teachers: tuple[str, ...] = ()


def trials(recipe: Stage) -> Iterator[Trial]:
    """Yields the recipe with three seeds and each change of it, what may choose first."""
    for seed in SEEDS:
        yield Trial(f"{RECIPE}, {seed}", changed_stage(recipe, seed=seed))

    def tried(name: str, **changes: Any) -> Trial:
        return Trial(name, changed_stage(recipe, **changes))

    yield tried("with MixUp", mixup=0.2)
    yield tried("with CutMix", cutmix=1.0)
    yield tried("with MixStyle", mixstyle=0.1)
    yield tried("unlearning the source", adversary=0.1)
    teachers = tuple(f"{RECIPE}, {seed}" for seed in SEEDS)
    yield Trial("taught by the three", changed_stage(recipe, taught=0.7), teachers=teachers)
    yield tried("bent hands", bend=0.08)
    yield tried("no synthetic hands", synthetic=0.0)
    yield Trial("synthetic hands alone", changed_stage(recipe, synthetic=1.0))
    yield Trial("synthetic hands first", recipe, of="synthetic hands alone")
    yield tried("synthetic hands for 70 %", synthetic=0.7)
    yield tried("moderate augmentation", augment=AugmentConfig())
    strong = AugmentConfig.strong()
    yield tried("strong augmentation", augment=strong, farther=recipe.augment.farther)
    yield tried("hands stay where they are", **STILL)
    yield tried("colours stay", **COLOURS)
    yield tried("no blur, noise and coarse pictures", **DAMAGE)
    yield tried("nothing before the hand", occlude_share=0.0)
    yield tried("no other backgrounds", background_share=0.0)
    yield tried("no mirrored hands", mirror_share=0.0)
    yield tried("BatchNormalization frozen, a slower rate", settled=True, rate=FROZEN_RATE)
    yield tried("no label smoothing", smoothing=0.0)
    yield tried("sources count by their size", source_power=1.0)
    yield tried("sources count alike", source_power=0.0)
    yield tried("160 pixels", side=160)
    yield tried("192 pixels", side=192)
    yield Trial("twice as long", recipe, steps=2.0)


class Study:
    """The trials so far: where each ended, and what was read there, written to `output`."""

    def __init__(self, args: argparse.Namespace, card: OnCard, told: Callable[[str], None]) -> None:
        self.args, self.card, self.told = args, card, told
        self.layers, self.arrays = load_network(args.network)
        self.network = network_on(card.device, self.layers, self.arrays, args.dropout)
        self.ends: dict[str, State] = {"": state_of(self.network)}
        self.steps, self.rows = args.steps, list[dict[str, Any]]()

    def one(self, trial: Trial) -> None:
        """Learns a trial and reads what it came to; the recipe's own are read in more ways."""
        restore(self.network, [self.ends[trial.of]])
        teachers = [self.answering(name) for name in trial.teachers]

        def made() -> Step:
            return Step(self.network, trial.stage, self.args.batch, self.card, teachers)

        if self.rows:
            step = made()
        else:
            step, each_s = fastest(made, self.args.slow_ms, self.told)
            self.steps = self.steps or max(2, round(self.args.row_s / each_s))
            self.told(f"{self.steps} steps a trial")
        figures, mean = learn(step, self.told, steps=round(self.steps * trial.steps), grow=False)
        figures.pop("name")
        side, again = trial.stage.side, trial.name.startswith(RECIPE)
        if again:
            self.keep(f"{trial.name}, its last weights", self.read([self.network], side))
        mean.settle()
        self.ends[trial.name] = state_of(self.network)
        self.keep(trial.name, {**figures, **self.read([self.network], side)})
        if again:
            self.keep(f"{trial.name}, mirrored as well", self.read([self.network], side, True))
        if trial.name == f"{RECIPE}, {SEEDS[-1]}":
            self.together(side)

    def together(self, side: int) -> None:
        """Reads the recipe's networks by the mean of their answers, and of their weights."""
        three = [f"{RECIPE}, {seed}" for seed in SEEDS]
        found = self.read([self.answering(name) for name in three], side)
        self.keep("the three's mean answer", found)
        restore(self.network, [self.ends[name] for name in three])
        self.keep("the three's mean weights", self.read([self.network], side))

    def read(self, networks: Sequence[Twin], side: int, mirrored: bool = False) -> dict[str, Any]:
        """Returns what some networks read together; of own people, what the first does."""
        return {
            "read": self.card.unseen_signers.read(answers(networks, side, mirrored)),
            "val": own(networks[0], self.card.held, side) if len(networks) == 1 else 0.0,
        }

    def answering(self, end: str) -> Twin:
        """Returns another network with the weights of an end, that answers and does not learn."""
        made = network_on(self.card.device, self.layers, self.arrays)
        restore(made, [self.ends[end]])
        return made.eval().requires_grad_(False)

    def keep(self, name: str, found: dict[str, Any]) -> None:
        """Tells and writes what a trial came to."""
        self.rows.append({"trial": name, **found})
        study, dev = (100 * mean_24(found["read"], names) for names in (STUDY_ONLY, STRANGERS))
        self.told(f"{name}: study {study:.1f}, dev_ {dev:.1f}, val {100 * found['val']:.1f}")
        figures = {
            "device": name_of(self.card.device),
            "torch": torch.__version__, "python": platform.python_version(),
            "steps": self.steps, "batch": self.args.batch, "side": self.args.side,
            "rate": self.args.rate, "synthetic_hands": self.card.drawings.ready, "trials": self.rows,
        }  # fmt: skip
        self.args.output.write_text(json.dumps(figures, indent=1), encoding="utf-8")


def run(args: argparse.Namespace) -> None:
    began_s, told = time.perf_counter(), clock()
    card = brought(args, (*STUDY_ONLY, *STRANGERS), 1, told)
    study = Study(args, card, told)
    recipe = Stage(name=RECIPE, rate=args.rate, augment=usual_changes(), side=args.side)
    card.drawings.take(min(DRAWN, args.room))
    told(f"{card.drawings.ready:,} drawn")
    for trial in trials(recipe):
        if args.only and trial.name not in args.only:
            continue
        missing = {trial.of, *trial.teachers} - study.ends.keys()
        late = time.perf_counter() - began_s > args.budget_s
        if missing or late:
            told(f"{trial.name}: left out, {'no time' if late else f'without {missing}'}")
        else:
            study.one(trial)
    card.drawings.take()
    card.drawings.close()
    told("done")


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    add = parser.add_argument
    add("--output", type=Path, default=Path("levers_on_card.json"))
    add("--steps", type=int, default=0, help="of every trial; without, as many as --row_s takes")
    add("--row_s", type=float, default=13.0, help="seconds for the steps of the recipe")
    add("--side", type=int, default=128)
    add("--rate", type=float, default=2.5e-3)
    add("--budget_s", type=float, default=470.0, help="no trial begins after so long")
    add("--only", nargs="+", default=[], help="only these trials")
    parser.set_defaults(room=180_000)
    run(parser.parse_args(argv))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
