"""What helps strangers? Each choice of `configs/strangers.py` undone alone, in short runs.

    python benchmarks/strangers_levers.py --data ../shared/data --weights FILE --budget_s 3600

Trained on the sources that may be released; read are the five that may only be studied, by which
to choose, and the five `dev_` sources, which choose nothing. Small pictures and few epochs (see
`short_runs.py`): what needs a long training to pay is not seen here. Every finished run is kept
in --work, so a second call does what is left. Saves `benchmarks/results/strangers_levers.json`
after each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mixed_batches import cutmix, mixing, mixup
from reading import STRANGERS
from short_runs import Trial, as_it_is, asked, parser, study

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig

NAME = "strangers_levers"
RECIPE = "the recipe"
FROZEN_RATE = 4e-4
"""Frozen statistics do not bear the rate of trained ones (docs/adr/0011)."""


def augmented(**changes: float) -> Callable[[TrainConfig], TrainConfig]:
    """Returns the change of some augmentations."""

    def change(config: TrainConfig) -> TrainConfig:
        return replace(config, augment=replace(config.augment, **changes))

    return change


def moderate(config: TrainConfig) -> TrainConfig:
    """Pictures change as far as every training changes them."""
    from fingerspell.config import AugmentConfig

    return replace(config, augment=AugmentConfig())


def strong(config: TrainConfig) -> TrainConfig:
    """Pictures change as far as `AugmentConfig.strong` says, farther away included."""
    from fingerspell.config import AugmentConfig

    return replace(config, augment=replace(AugmentConfig.strong(), farther=config.augment.farther))


def phases(config: TrainConfig, **changes: Any) -> TrainConfig:
    return replace(config, phases=tuple(replace(phase, **changes) for phase in config.phases))


def larger(config: TrainConfig) -> TrainConfig:
    """A third more pixels a side."""
    side_px = config.model.image_size_px[0] * 4 // 3
    return replace(config, model=replace(config.model, image_size_px=(side_px, side_px)))


def counting(**powers: float) -> Callable[[TrainConfig], TrainConfig]:
    """Returns the change of what sizes count."""

    def change(config: TrainConfig) -> TrainConfig:
        return replace(config, sampling=replace(config.sampling, **powers))

    return change


LEVERS: Mapping[str, Callable[[TrainConfig], TrainConfig]] = {
    RECIPE: as_it_is,
    "moderate augmentation": moderate,
    "no drawn hands beside": lambda c: replace(c, drawn_per_class=0),
    "hands stay where they are": augmented(
        rotate_deg=0.0, shift=0.0, zoom=0.0, farther=0.0, shear=0.0, squeeze=0.0
    ),
    "colours stay": augmented(
        brightness=0.0, contrast=0.0, saturation=0.0, hue_deg=0.0, grey_share=0.0
    ),
    "no other backgrounds": augmented(background_share=0.0),
    "no mirrored hands": augmented(mirror_share=0.0),
    "BatchNormalization frozen, a slower rate": lambda c: phases(
        c, batchnorm_momentum=None, learning_rate=FROZEN_RATE
    ),
    "larger pictures": larger,
    "sources count by their size": counting(source_power=1.0),
    "no label smoothing": lambda c: replace(c, label_smoothing=0.0),
    "no averaged weights": lambda c: replace(c, average_epochs=0.0),
    "no blur, noise and coarse pictures": augmented(
        blur_share=0.0, noise_share=0.0, low_resolution_share=0.0
    ),
    "nothing before the hand": augmented(occlude_share=0.0),
    "three times the drawn hands": lambda c: replace(c, drawn_per_class=3 * c.drawn_per_class),
    "hands neither nearer nor farther": augmented(zoom=0.0, farther=0.0),
    "strong augmentation": strong,
    "films thinned": counting(group_power=0.5),
    "classes count by their size": counting(class_power=1.0),
}


def trials(releasable: Sequence[str], study_only: Sequence[str]) -> list[Trial]:
    """Returns the recipe and each change of it."""
    trained, read = tuple(releasable), (*study_only, *STRANGERS)
    recipe, *changed = (Trial(name, trained, read, change) for name, change in LEVERS.items())
    return [
        recipe,
        Trial("no drawn hands first", trained, read, taught=False),
        *changed,
        Trial("with MixUp", trained, read, around=partial(mixing, mixup)),
        Trial("with CutMix", trained, read, around=partial(mixing, cutmix)),
    ]


def main(argv: list[str] | None = None) -> int:
    args = parser(__doc__ or "").parse_args(argv)
    return study(NAME, args, trials(args.releasable, args.study_only), asked(argv))


if __name__ == "__main__":
    raise SystemExit(main())
