"""The network (backbone, first weights, input size) and the phases of its training."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fingerspell.errors import checks_of, require, require_one_of

BACKBONES = ("MobileNetV3Large", "MobileNetV3Small")
VIEWS = ("single", "hand_crop")
WEIGHTS = ("auto", "imagenet", "starter", "none")
MIN_IMAGE_PX = 32
_HEAD_ONLY = 3
"""So few passes train the head alone (docs/adr/0004-recipe.md, Short runs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network and where its first weights come from.

    `weights` is `imagenet` (downloaded by Keras), `starter` (the released recogniser's), `auto`
    (`imagenet`, and `starter` where that cannot be fetched), `none` (random), or the path of a
    weights file. `views` says what the network sees for an answer: `single` the picture;
    `hand_crop` the picture and an enlarged crop around a small hand, as it is and mirrored. That
    takes about two and a half times as long. `image_size_px` is the height and width of the
    pictures that the recogniser takes, `network_px` the longer side at which the backbone sees
    them, and the crop (None: the picture's own).
    """

    backbone: str = "MobileNetV3Large"
    weights: str = "auto"
    image_size_px: tuple[int, int] = (200, 200)
    dropout: float = 0.3
    views: str = "single"
    network_px: int | None = None

    def __post_init__(self) -> None:
        check = checks_of(self)
        require_one_of("backbone", self.backbone, BACKBONES, "omit --backbone for MobileNetV3Large")
        require(
            len(self.image_size_px) == 2 and min(self.image_size_px) >= MIN_IMAGE_PX,
            found=f"image size {self.image_size_px} (height, width in pixels)",
            expected=f"two sides of at least {MIN_IMAGE_PX} pixels",
            fix="use --img_size 200 200",
        )
        require_one_of("views", self.views, VIEWS, "use views='single'")
        check("dropout", 0 <= self.dropout < 1, "a share from 0 up to, not including, 1", "use 0.3")
        check("network_px", self.network_px is None
              or (self.network_px <= max(self.image_size_px)
                  and min(self.network_size_px) >= MIN_IMAGE_PX),
              f"a side in pixels with which neither side is less than {MIN_IMAGE_PX} nor more than "
              f"the picture's, {max(self.image_size_px)}",
              "omit it for the picture's own size")  # fmt: skip

    @property
    def network_size_px(self) -> tuple[int, int]:
        """Height and width at which the backbone sees pictures, in training always."""
        height, width = self.image_size_px
        share = 1.0 if self.network_px is None else self.network_px / max(height, width)
        return round(height * share), round(width * share)


def require_weights(weights: str) -> None:
    """Raises `ConfigError` for first weights that are neither one of `WEIGHTS` nor a file."""
    require(
        weights in WEIGHTS or Path(weights).is_file(),
        found=f"--weights {weights}: no such file",
        expected=f"{', '.join(WEIGHTS)}, or the path of a .weights.h5 or model.keras file",
        fix=f"check the path, or use one of the words: {', '.join(WEIGHTS)}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of training at one peak learning rate.

    `unfrozen_from` names the first backbone layer that may move, `"all"` frees the whole
    backbone, `None` keeps it frozen (the phase then runs on cached features). Where a backbone
    moves, `batchnorm_momentum=None` keeps BatchNormalization frozen; a number trains it.

    The rate climbs over `warmup_share` of the steps (0: it starts at its peak) and then follows
    a half cosine, of which `decay` says the part: (0, 1) is all of it, None none of it: the rate
    stays at its peak. `patience_epochs` without gain end the phase early; with 0 it has all its
    epochs. `image_size_px` is the pictures' height and width where they are not
    `ModelConfig.network_size_px` (docs/adr/0008-cheaper-epochs.md).
    """

    name: str
    epochs: int
    learning_rate: float
    unfrozen_from: str | None = None
    batchnorm_momentum: float | None = None
    warmup_share: float = 0.1
    patience_epochs: int = 5
    image_size_px: tuple[int, int] | None = None
    decay: tuple[float, float] | None = (0.0, 1.0)

    def __post_init__(self) -> None:
        check, size = checks_of(self, f"{self.name}."), self.image_size_px
        check("epochs", self.epochs >= 0, "a whole number of passes, 0 or more",
              "set epochs=0 to skip the phase")  # fmt: skip
        check("learning_rate", self.learning_rate > 0, "a rate above 0", "try 1e-3")
        check("warmup_share", 0 <= self.warmup_share < 1,
              "a share of the steps from 0 up to, not including, 1",
              "use 0.1, or 0 for no warm-up")  # fmt: skip
        check("patience_epochs", self.patience_epochs >= 0, "a whole number of epochs, 0 or more",
              "use 5, or 0 to train every epoch")  # fmt: skip
        require(
            size is None or (len(size) == 2 and min(size) >= MIN_IMAGE_PX),
            found=f"{self.name}.image_size_px={size} (height, width in pixels)",
            expected=f"two sides of at least {MIN_IMAGE_PX} pixels, or None for the network's own",
            fix="use (128, 128)",
        )
        check("decay", self.decay is None or 0 <= self.decay[0] < self.decay[1] <= 1,
              "two rising shares of the half cosine, from 0 to 1, or None for none",
              "use (0, 1)")  # fmt: skip


def progressive(phase: Phase, shares: Mapping[int | None, float]) -> tuple[Phase, ...]:
    """Returns `phase` cut into stretches, each on square pictures of its own side in pixels.

        progressive(finetune, {96: 0.4, 128: 0.3, None: 0.3})

    gives the first 40 % of its epochs to 96 px, and so on, `None` standing for the network's own
    size; stretches that get no whole epoch are left out. One cosine runs through all of them, so
    the rate ends where it would have. Each has its own warm-up: Adam's averages start again.
    Reference: Tan & Le, EfficientNetV2, ICML 2021.
    """
    require(
        len(shares) > 0 and min(shares.values()) > 0 and abs(sum(shares.values()) - 1) < 1e-6,
        found=f"shares of {phase.name}: {dict(shares)}",
        expected="side in pixels: share of the epochs; positive shares that add up to 1",
        fix="use {128: 0.6, 200: 0.4}",
    )
    sums = itertools.accumulate(shares.values(), initial=0.0)
    edges = [round(phase.epochs * share) for share in sums]

    def part(first: int, last: int) -> tuple[float, float] | None:
        if phase.decay is None:
            return None
        start, end = phase.decay
        at = [start + (end - start) * edge / phase.epochs for edge in (first, last)]
        return at[0], at[1]

    return tuple(
        replace(
            phase,
            name=f"{phase.name} {side_px}px" if side_px else phase.name,
            epochs=last - first,
            image_size_px=(side_px, side_px) if side_px else None,
            decay=part(first, last),
        )
        for side_px, (first, last) in zip(shares, itertools.pairwise(edges), strict=True)
        if last > first
    )


def two_phases(
    epochs: int, patience_epochs: int = 5, pretrained: bool = True
) -> tuple[Phase, Phase]:
    """Returns the training guide's two phases for a total of `epochs` passes.

    Up to 3 passes all train the head on cached features; of more, a third do, at least 2 and at
    most 15, and the rest move the whole network: under a head that has learnt little, that undoes
    the pretrained weights, and the run ends at chance. With pretrained weights BatchNormalization
    keeps its statistics; without, there are none to keep: the head would learn from noise, so all
    passes go to the second phase, and BatchNormalization is trained (docs/adr/0004-recipe.md).
    """
    require(
        epochs >= 1,
        found=f"epochs={epochs}",
        expected="at least 1 pass",
        fix="use --epochs 50, or --epochs 12 for a quick run",
    )
    head = epochs if epochs <= _HEAD_ONLY else min(15, max(2, epochs // 3))
    head = head if pretrained else 0
    return (
        Phase(name="head", epochs=head, learning_rate=3e-3, patience_epochs=patience_epochs),
        Phase(
            name="finetune",
            epochs=epochs - head,
            learning_rate=3e-4 if pretrained else 1e-3,
            unfrozen_from="all",
            batchnorm_momentum=None if pretrained else 0.95,
            patience_epochs=patience_epochs,
        ),
    )


def require_order(phases: tuple[Phase, ...]) -> None:
    """Raises `ConfigError` for phases with equal names, or that would harm pretrained weights.

    Those are fragile: a phase that moves more may not move faster, and one that begins to move
    them must be slower. Between phases that all move them, the rate may stay.
    """
    names = [phase.name for phase in phases]
    require(
        len(set(names)) == len(names),
        found=f"phases named {', '.join(names)}",
        expected="a name of its own for every phase: it labels the curves",
        fix="number them",
    )
    for before, after in itertools.pairwise(phases):
        moving = before.unfrozen_from is not None
        require(
            after.learning_rate < before.learning_rate
            or (moving and after.learning_rate == before.learning_rate)
            or after.unfrozen_from is None,
            found=f"{after.name}.learning_rate={after.learning_rate} is not below "
            f"{before.name}.learning_rate={before.learning_rate}",
            expected="a smaller rate once pretrained weights can move",
            fix=f"try {after.name}.learning_rate={before.learning_rate / 10:g}",
        )
