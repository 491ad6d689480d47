"""Every setting of a run: frozen, checked when built, its unit in its name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.errors import require

BACKBONES = ("MobileNetV3Large", "MobileNetV3Small")
SPLIT_RULES = ("groups", "random")
MIN_IMAGE_PX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """How a folder of class-sorted pictures becomes a checked data set.

    `near_bits` is the largest number of differing hash bits (of 128) at which two pictures of one
    class count as near duplicates; measured in docs/adr/0002-near-duplicate-hash.md.
    Ready-made splits are kept unless `resplit` is set. `group_by` is a pattern that captures a
    picture's group, or `source`; `groups_csv` a table. Nothing is trained on `holdout_sources`.
    """

    input_dirs: tuple[Path, ...]
    output_dir: Path
    train_share: float = 0.70
    val_share: float = 0.15
    test_share: float = 0.15
    seed: int = 42
    split: str = "groups"
    near_bits: int = 18
    max_bad_share: float = 0.01
    resplit: bool = False
    group_by: str = ""
    groups_csv: Path | None = None
    holdout_sources: tuple[str, ...] = ()
    overwrite: bool = False

    def __post_init__(self) -> None:
        shares = (self.train_share, self.val_share, self.test_share)
        require(
            all(s > 0 for s in shares) and abs(sum(shares) - 1) < 1e-6,
            found=f"shares train/val/test = {shares}",
            expected="three positive shares that add up to 1",
            fix="use the default 0.70 0.15 0.15",
        )
        require(
            self.split in SPLIT_RULES,
            found=f"split={self.split!r}",
            expected=f"one of {', '.join(SPLIT_RULES)}",
            fix="'groups' keeps near-duplicate frames on one side of the split",
        )
        require(
            0 <= self.near_bits <= 64,
            found=f"near_bits={self.near_bits}",
            expected="0 (identical hashes only) to 64 (half of all bits)",
            fix="leave --near_bits away for 18",
        )
        require(
            0 <= self.max_bad_share <= 1,
            found=f"max_bad_share={self.max_bad_share}",
            expected="a share from 0 to 1",
            fix="use --max_bad 0.01 to bear one bad file in a hundred",
        )
        require(
            len(self.input_dirs) > 0,
            found="no input folder",
            expected="at least one folder of class-sorted pictures",
            fix="--input_dir FOLDER",
        )
        _require_seed(self.seed)
        require(
            not (self.group_by and self.groups_csv),
            found="--group_by together with --groups",
            expected="one of the two",
            fix="leave one away",
        )
        require(
            self.split == "groups" or not (self.group_by or self.groups_csv),
            found="groups given together with --split random",
            expected="--split groups, which keeps them on one side",
            fix="leave --split away",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The network and where its first weights come from.

    `weights` is `imagenet` (downloaded by Keras), `none` (random), or the path of a weights file.
    """

    backbone: str = "MobileNetV3Large"
    weights: str = "imagenet"
    image_size_px: tuple[int, int] = (200, 200)
    dropout: float = 0.3

    def __post_init__(self) -> None:
        require(
            self.backbone in BACKBONES,
            found=f"backbone={self.backbone!r}",
            expected=f"one of {', '.join(BACKBONES)}",
            fix="leave --backbone away for MobileNetV3Large",
        )
        require(
            len(self.image_size_px) == 2 and min(self.image_size_px) >= MIN_IMAGE_PX,
            found=f"image size {self.image_size_px} (height, width in pixels)",
            expected=f"two sides of at least {MIN_IMAGE_PX} pixels",
            fix="use --img_size 200 200",
        )
        require(
            0 <= self.dropout < 1,
            found=f"dropout={self.dropout}",
            expected="a share from 0 up to, not including, 1",
            fix="use 0.3",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """How far a training picture may be changed. All zero (and no flip) changes nothing.

    Shares are probabilities per picture; `rotate_deg`, `shift`, `zoom`, `shear`, `squeeze` are
    the largest change to either side.
    """

    rotate_deg: float = 15.0
    shift: float = 0.15
    zoom: float = 0.5
    shear: float = 0.10
    squeeze: float = 0.10
    brightness: float = 0.5
    contrast: float = 0.4
    saturation: float = 0.5
    hue_deg: float = 15.0
    grey_share: float = 0.10
    blur_share: float = 0.15
    noise_share: float = 0.15
    low_resolution_share: float = 0.15
    occlude_share: float = 0.1
    mirror_share: float = 0.5

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            require(
                value >= 0 and (value <= 1 or name.endswith("_deg")),
                found=f"augment.{name}={value}",
                expected="0 or more, and at most 1 where it is not in degrees",
                fix=f"set augment.{name} to 0 to switch it off",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of training at one peak learning rate.

    `unfrozen_from` names the first backbone layer that may move, `"all"` frees the whole
    backbone, `None` keeps it frozen (the phase then runs on cached features). Where a backbone
    moves, `batchnorm_momentum=None` keeps BatchNormalization frozen; a number trains it.
    """

    name: str
    epochs: int
    learning_rate: float
    unfrozen_from: str | None = None
    batchnorm_momentum: float | None = None
    warmup_share: float = 0.1
    patience_epochs: int = 5

    def __post_init__(self) -> None:
        require(
            self.epochs >= 0,
            found=f"{self.name}.epochs={self.epochs}",
            expected="a whole number of passes, 0 or more",
            fix="set epochs=0 to skip the phase",
        )
        require(
            self.learning_rate > 0,
            found=f"{self.name}.learning_rate={self.learning_rate}",
            expected="a rate above 0",
            fix="try 1e-3",
        )


def two_phases(
    epochs: int, patience_epochs: int = 5, pretrained: bool = True
) -> tuple[Phase, Phase]:
    """Returns the training guide's two phases for a total of `epochs` passes.

    A third of them, at most 15, train the head on cached features; the rest move the whole
    network. With pretrained weights BatchNormalization keeps its statistics; without, there are
    none to keep: the head would learn from noise, so all passes go to the second phase, and
    BatchNormalization is trained (docs/adr/0004-recipe.md).
    """
    require(
        epochs >= 1,
        found=f"epochs={epochs}",
        expected="at least 1 pass",
        fix="use --epochs 50, or --epochs 12 for a quick run",
    )
    head = min(15, epochs // 3) if pretrained else 0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run, complete: saved in `run.json` beside its results.

    `feature_views` is how many augmented views of each picture the frozen phase learns from,
    `average_epochs` over how many passes the weights that are validated and kept are averaged
    (0 = the latest weights), `drawn_per_class` how many drawn hands of every class are mixed into
    the training pictures. A checkpoint is written every `save_every_min` and at each epoch's end.
    `trust` takes the pictures as they lie, without hashing them again.
    """

    dataset_dir: Path
    output_dir: Path
    model: ModelConfig = field(default_factory=ModelConfig)
    phases: tuple[Phase, ...] = field(default_factory=lambda: two_phases(50))
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    batch_size: int = 32
    drawn_per_class: int = 0
    feature_views: int = 2
    label_smoothing: float = 0.05
    average_epochs: float = 0.5
    seed: int = 42
    threshold: float = 0.7
    save_every_min: float = 5.0
    trust: bool = False
    overwrite: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        require(
            self.save_every_min >= 0,
            found=f"save_every_min={self.save_every_min}",
            expected="0 minutes (every step is saved) or more",
            fix="use 5",
        )
        require(
            self.batch_size >= 1,
            found=f"batch_size={self.batch_size}",
            expected="at least 1 picture a step",
            fix="use --batch_size 32",
        )
        _require_seed(self.seed)
        require(
            0 < self.threshold < 1,
            found=f"threshold={self.threshold}",
            expected="a probability between 0 and 1",
            fix="use 0.7",
        )
        require(
            self.drawn_per_class >= 0,
            found=f"drawn_per_class={self.drawn_per_class}",
            expected="0 or more drawn pictures a class",
            fix="use --synth 100, or --synth 0 for none",
        )
        require(
            self.feature_views >= 1,
            found=f"feature_views={self.feature_views}",
            expected="at least 1 view of each picture",
            fix="use 2",
        )
        require(
            not (self.overwrite and self.resume),
            found="--overwrite together with --resume",
            expected="one of the two",
            fix="--resume goes on with the run in the folder, --overwrite starts afresh",
        )
        _require_falling_rates(self.phases)


def _require_falling_rates(phases: tuple[Phase, ...]) -> None:
    """Pretrained weights are fragile: a phase that moves more may not move faster."""
    for before, after in itertools.pairwise(phases):
        require(
            after.learning_rate < before.learning_rate or after.unfrozen_from is None,
            found=f"{after.name}.learning_rate={after.learning_rate} is not below "
            f"{before.name}.learning_rate={before.learning_rate}",
            expected="a smaller rate once pretrained weights can move",
            fix=f"try {after.name}.learning_rate={before.learning_rate / 10:g}",
        )


def _require_seed(seed: int) -> None:
    require(seed >= 0, found=f"seed={seed}", expected="a whole number from 0", fix="use --seed 42")
