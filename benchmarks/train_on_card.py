"""Trains the recogniser for unseen signers on one card, by the clock: everything stays on the card.

    python benchmarks/train_on_card.py --network START.npz --data ../shared/data --output OUT

Needs PyTorch and what drawing hands needs; Keras is not asked. Photographs lie on the card as
bytes and are changed there (`card_changes.py`); other processes draw hands meanwhile; a step of
the network is recorded once as a CUDA graph (`card_step.py`). Several ways lead on from START,
each with other changes, mixtures, synthetic hands or picture sizes, each to its own end; from their
mean, more. `run_of_card.py` makes START, and a run folder of the mean of some ends.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
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
from on_card import brought, options
from source_names import STRANGERS, STUDY_ONLY
from twin import halved, load_network, save_network

READ_AT = 160


def stages(usual: AugmentConfig) -> list[Stage]:
    """Returns the ways that lead on from the start, and the one from their mean."""
    bent = replace(usual, bend=0.08)
    strong = replace(
        bent, rotate_deg=28.0, zoom=0.6, hue_deg=50.0, shear=0.2, bend=0.1, grey_share=0.2,
        blur_share=0.3, noise_share=0.3, low_resolution_share=0.35, occlude_share=0.3,
    )  # fmt: skip
    mild = replace(
        AugmentConfig(), farther=usual.farther, bend=0.05, background_share=usual.background_share
    )
    first = Stage(name="usual", rate=1.2e-3, augment=bent, mixup=0.2, seed=11)
    ways = [
        first,
        replace(first, name="photos", synthetic=0.2, seed=12),
        replace(first, name="strong", augment=strong, seed=13),
        replace(first, name="mild", augment=mild, seed=14),
        replace(first, name="wide", side=192, seed=15),
    ]
    mean = "+".join(way.name for way in ways)
    return [*ways, replace(first, name="again", of=mean, rate=6e-4, share=0.8, seed=16)]


def setting(text: str) -> tuple[str, float]:
    """Reads `name=number`; `argparse` tells of anything else."""
    name, _, value = text.partition("=")
    if name not in {*Stage.__slots__, *AugmentConfig.__slots__}:
        raise argparse.ArgumentTypeError(f"{name}: no setting of a stage")
    return name, float(value) if name != "side" else int(value)


def asked(stage: Stage, settings: Sequence[tuple[str, float]]) -> Stage:
    """Returns a stage with some settings changed."""
    return changed_stage(stage, **dict(settings))


def begun_with(stage: Stage, ends: Mapping[str, State]) -> list[State]:
    """Returns the weights whose mean a stage begins with: of those that there are, or the start."""
    return [ends[name] for name in stage.of.split("+") if name in ends] or [ends[""]]


def best_mean(score: Callable[[Sequence[str]], float], first: Sequence[str]) -> list[str]:
    """Returns the ends whose mean scores most, beginning with the best one, greedily.

    Wortsman et al., Model soups, ICML 2022. `first` are the ends, the best first.
    """
    chosen, most = [first[0]], score(first[:1])
    for name in first[1:]:
        if (found := score([*chosen, name])) > most:
            chosen, most = [*chosen, name], found
    return chosen


def run(args: argparse.Namespace) -> None:
    began_s, told = time.perf_counter(), clock()
    card = brought(args, (*STUDY_ONLY, *STRANGERS), args.seed, told)
    layers, arrays = load_network(args.network)
    network = network_on(card.device, layers, arrays, args.dropout)
    ends, figures = {"": state_of(network)}, []
    plan = [asked(stage, args.set) for stage in stages(usual_changes())]
    plan = [stage for stage in plan if not args.stages or stage.name in args.stages]
    args.output.mkdir(parents=True, exist_ok=True)
    card.drawings.take(args.first_drawings)

    def read() -> dict[str, Any]:
        found = card.unseen_signers.read(answers([network], READ_AT))
        study, dev = (mean_24(found, names) if found else 0.0 for names in (STUDY_ONLY, STRANGERS))
        val = own(network, card.held, READ_AT)
        told(f"study {100 * study:.2f}, dev_ {100 * dev:.2f}, val {100 * val:.2f}")
        return {"val": val, "studied": study, "unseen_signers": dev}

    def score(names: Sequence[str]) -> float:
        told(f"mean of {', '.join(name or 'start' for name in names)}:")
        restore(network, [ends[name] for name in names])
        return read()["studied"]

    told(f"start, {card.drawings.ready:,} drawn")
    read()
    left = sum(stage.share for stage in plan)
    for stage in plan:
        restore(network, begun_with(stage, ends))

        def made(stage: Stage = stage) -> Step:
            return Step(network, stage, args.batch, card)

        step = made() if figures else fastest(made, args.slow_ms, told)[0]
        remaining_s = args.budget_s - (time.perf_counter() - began_s) - args.reserve_s
        seconds = max(1.0, remaining_s * stage.share / left)
        left -= stage.share
        one, mean = learn(step, told, seconds=seconds)
        mean.settle()
        ends[stage.name] = state_of(network)
        save_network(args.output / f"{stage.name}.npz", layers, halved(network.arrays()))
        told(f"{stage.name}: {one['pictures']:,} pictures")
        figures.append({**one, **read(), "stage": {**asdict(stage), "seconds": seconds}})
        told_of = {
            "torch": torch.__version__, "seed": args.seed, "batch": args.batch,
            "device": name_of(card.device),
            "peak_bytes": torch.cuda.max_memory_reserved() if card.device.type == "cuda" else None,
            "spent_s": round(time.perf_counter() - began_s, 1), "stages": figures,
        }  # fmt: skip
        (args.output / "card.json").write_text(json.dumps(told_of, indent=1), encoding="utf-8")
        del step
    if args.data:
        score([name for name in ends if name])
        order = sorted(figures, key=lambda one: -one["studied"])
        best = best_mean(score, [*(one["name"] for one in order), ""])
        told(f"best: {'+'.join(name or 'start' for name in best)}")
    card.drawings.close()
    told("done")


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    add = parser.add_argument
    add("--output", type=Path, required=True)
    add("--budget_s", type=float, default=500.0, help="for everything")
    add("--reserve_s", type=float, default=6.0, help="of it, for saving")
    add("--seed", type=int, default=11)
    add("--first_drawings", type=int, default=1500, help="that must be there before it begins")
    add("--stages", nargs="+", default=[], help="only these")
    add("--set", nargs="+", type=setting, default=[], help="settings of all stages, as mixup=0.4")
    run(parser.parse_args(argv))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
