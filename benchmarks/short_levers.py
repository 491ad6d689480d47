"""What helps unseen signers? Choices that no card has measured, or with one seed, in short trainings.

    python benchmarks/short_levers.py --data ../shared/data --weights FILE

A short form of `configs/unseen signers.py` (see `short_runs.py`) on the sources that may be released,
and the same with one choice changed, up to three seeds each. Read are the five sources that may
only be studied, by which to choose, and the five `dev_` sources, which choose nothing. Every
finished run is kept in --work, so a second call does what is left. Saves
`benchmarks/results/short_levers.json` after each.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from short_runs import CHANCE, Trial, asked, first_weights, given, parser, study, unchanged
from source_names import STRANGERS

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig

    Change = Callable[[TrainConfig], TrainConfig]

NAME = "short_levers"
RECIPE = "the recipe"
SEEDS = (1, 2, 3)
FROZEN_RATE, SLOWER_RATE = 3e-4, 1e-4
"""Frozen statistics do not bear the recipe's own."""

LARGER_PX = (160, 224)


def changes() -> dict[str, Change]:
    """Returns what is changed of the recipe, by its name."""
    return {
        RECIPE: unchanged,
        f"BatchNormalization frozen, {FROZEN_RATE:g}": _frozen(FROZEN_RATE),
        "classes count by their size": _sampling(class_power=1.0),
        "sources count by their size": _sampling(source_power=1.0),
        "moderate augmentation": _moderate,
        "no grey pictures": _augment(grey_share=0.0),
        "no blurred pictures": _augment(blur_share=0.0),
        "no coarse pictures": _augment(low_resolution_share=0.0),
    }


def once_changes(args: argparse.Namespace) -> dict[str, Change]:
    """Returns those that one seed has to do for: other beginnings, and what takes long."""
    chance = argparse.Namespace(**{**vars(args), "weights": CHANCE})
    return {
        "from ImageNet's weights, no synthetic hands first": _from(lambda: str(args.weights)),
        "from chance, synthetic hands first": _from(lambda: first_weights(chance)),
        f"BatchNormalization frozen, {SLOWER_RATE:g}": _frozen(SLOWER_RATE),
        **{f"{px} pixels": _side(px) for px in LARGER_PX},
    }


def trials(args: argparse.Namespace) -> list[Trial]:
    """Returns the recipe and each of its changes, of which only some may have been asked for."""
    sources, read = tuple(args.releasable), (*args.study_only, *STRANGERS)
    made = [
        *(Trial(name, sources, read, change) for name, change in changes().items()),
        *(Trial(name, sources, read, x, seeds=1) for name, x in once_changes(args).items()),
    ]
    return [trial for trial in made if not args.only or trial.name in (RECIPE, *args.only)]


def _from(weights: Callable[[], str]) -> Change:
    return lambda config: replace(config, model=replace(config.model, weights=weights()))


def _frozen(rate: float) -> Change:
    def change(config: TrainConfig) -> TrainConfig:
        still = (replace(x, batchnorm_momentum=None, learning_rate=rate) for x in config.phases)
        return replace(config, phases=tuple(still))

    return change


def _sampling(**powers: float) -> Change:
    return lambda config: replace(config, sampling=replace(config.sampling, **powers))


def _augment(**shares: float) -> Change:
    return lambda config: replace(config, augment=replace(config.augment, **shares))


def _moderate(config: TrainConfig) -> TrainConfig:
    from fingerspell.config import AugmentConfig

    return replace(config, augment=AugmentConfig())


def _side(px: int) -> Change:
    return lambda config: replace(config, model=replace(config.model, image_size_px=(px, px)))


def main(argv: list[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.set_defaults(seeds=list(SEEDS))
    options.add_argument("--only", nargs="+", default=[], help="changes, beside the recipe")
    args = given(options, argv)
    known = changes() | once_changes(args)
    if unknown := [name for name in args.only if name not in known]:
        options.error(f"--only {', '.join(unknown)}: choose from {', '.join(known)}")
    return study(NAME, args, trials(args), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
