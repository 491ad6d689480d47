"""What helps strangers? Each choice of the recipe undone, and others tried, on one card.

    python benchmarks/run_of_card.py start --weights IMAGENET.weights.h5 --output IMAGENET.npz
    python benchmarks/strangers_levers.py --network IMAGENET.npz --data ../shared/data

`configs/strangers.py` for some hundred steps, from ImageNet's weights and read with one look. Needs
PyTorch and what drawing hands needs, as `train_on_card.py`. Trained on the sources that may be
released; read are the five that may only be studied, by which to choose, and the five `dev_`
sources, which choose nothing. All trials learn as many pictures and the same drawn hands. Writes
`--output` after each; `levers_of_card.py` makes it a result.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from card_learning import (
    MOMENTUM,
    answers,
    changed_stage,
    clock,
    fastest,
    learn,
    own,
    restore,
    state_of,
)  # fmt: skip
from card_step import Stage, Step
from fingerspell.config import AugmentConfig
from fingerspell.config.recipe_file import load_recipe
from on_card import OnCard, brought, options
from source_names import STRANGERS, STUDY_ONLY
from twin import Twin, load_network

ROOT = Path(__file__).resolve().parents[1]
RECIPE = "the recipe"
SEEDS = (1, 2, 3)
DRAWN = 11_600
"""Drawn hands, 400 a class as in the recipe."""

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
    yield tried("no drawn hands", drawn=0.0)
    yield Trial("drawn hands alone", changed_stage(recipe, drawn=1.0))
    yield Trial("drawn hands first", recipe, of="drawn hands alone")
    yield tried("drawn hands for 70 %", drawn=0.7)
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


def readings(card: OnCard, network: Twin, side: int) -> dict[str, Any]:
    """Returns what a network reads."""
    return {
        "read": card.strangers.read(answers([network], side)),
        "val": own(network, card.held, side),
    }


def run(args: argparse.Namespace) -> None:
    told = clock()
    began_s = time.perf_counter()
    card = brought(args, (*STUDY_ONLY, *STRANGERS), 1, told)
    layers, arrays = load_network(args.network)
    network = Twin(layers, arrays, args.dropout, MOMENTUM).to(card.device)
    network.to(memory_format=torch.channels_last)
    start, ends, steps, rows = state_of(network), {}, args.steps, []
    augment = load_recipe(ROOT / "configs" / "strangers.py").config().augment
    recipe = Stage(name=RECIPE, rate=args.rate, augment=augment, side=args.side)
    card.drawings.take(min(DRAWN, args.room))
    told(f"{card.drawings.ready:,} drawn")

    def keep(name: str, found: dict[str, Any]) -> None:
        rows.append({"trial": name, **found})
        study, dev = (
            100 * sum(found["read"][x]["letters_24"] for x in names) / len(names)
            for names in (STUDY_ONLY, STRANGERS)
        )
        told(f"{name}: study {study:.1f}, dev_ {dev:.1f}, val {100 * found['val']:.1f}")
        figures = {"device": name_of(card.device), "torch": torch.__version__,
            "python": platform.python_version(), "steps": steps,
                   "batch": args.batch, "side": args.side, "rate": args.rate,
                   "drawn_hands": card.drawings.ready, "trials": rows}  # fmt: skip
        args.output.write_text(json.dumps(figures, indent=1), encoding="utf-8")

    for trial in trials(recipe):
        if args.only and trial.name not in args.only:
            continue
        if time.perf_counter() - began_s > args.budget_s:
            told(f"no time for {trial.name}")
            continue
        if any(x not in ends for x in (*trial.teachers, *([trial.of] if trial.of else []))):
            continue
        restore(network, [ends[trial.of] if trial.of else start])
        teachers = [network_of(network, ends[name], layers, arrays) for name in trial.teachers]

        def made(stage: Stage = trial.stage, teachers: Sequence[Twin] = teachers) -> Step:
            return Step(network, stage, args.batch, card, teachers)

        if rows:
            step = made()
        else:
            step, each_s = fastest(made, args.slow_ms, told)
            steps = steps or max(2, round(args.row_s / each_s))
            told(f"{steps} steps a trial")
        figures, mean = learn(step, told, steps=round(steps * trial.steps), grow=False)
        figures.pop("name")
        side, base = trial.stage.side, trial.name.startswith(RECIPE)
        if base:
            keep(f"{trial.name}, its last weights", readings(card, network, side))
        mean.settle()
        ends[trial.name] = state_of(network)
        keep(trial.name, {**figures, **readings(card, network, side)})
        if base:
            found = readings(card, network, side)
            found["read"] = card.strangers.read(answers([network], side, mirrored=True))
            keep(f"{trial.name}, mirrored as well", found)
        if trial.name == f"{RECIPE}, {SEEDS[-1]}":
            three = [ends[f"{RECIPE}, {seed}"] for seed in SEEDS]
            together = [network_of(network, state, layers, arrays) for state in three]
            found = {"read": card.strangers.read(answers(together, side)), "val": 0.0}
            keep("the three's mean answer", found)
            restore(network, three)
            keep("the three's mean weights", readings(card, network, side))
        del step
    card.drawings.take()
    card.drawings.close()
    told("done")


def network_of(like: Twin, state: Any, layers: Any, arrays: Any) -> Twin:
    """Returns another network with these weights, that answers."""
    made = Twin(layers, arrays, 0.0, MOMENTUM).to(next(like.parameters()).device)
    made.to(memory_format=torch.channels_last)
    restore(made, [state])
    return made.eval().requires_grad_(False)


def name_of(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "cpu"


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
