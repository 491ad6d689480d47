"""Settings of a training run (augmentation, sampling), and of adapting the released recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.config.phase import ModelConfig, Phase, require_order, two_phases
from fingerspell.errors import checks_of, require, require_seed, require_smoothing


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """How far a training picture may be changed. All zero (and no flip) changes nothing.

    Shares are probabilities per picture; `rotate_deg`, `shift`, `zoom`, `shear`, `squeeze` are
    the largest change to either side. `bend` is the farthest that points of the picture move
    against each other, a share of its sides. `farther` moves pictures away only: at 1, up to twice
    as far. `background_share` is the share that gets another background where there is room for
    one: behind a hand cut out on black, and around any picture that no longer fills its frame.
    """

    rotate_deg: float = 15.0
    shift: float = 0.15
    zoom: float = 0.5
    farther: float = 0.0
    shear: float = 0.10
    squeeze: float = 0.10
    bend: float = 0.0
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
    background_share: float = 0.0

    @classmethod
    def strong(cls) -> AugmentConfig:
        """Returns the settings against unseen signers: colours to the point of wrong skin colours.

        Hands of other people come nearer and farther, more turned, in other light, worse focus
        and fewer pixels, behind things and before other backgrounds. Costs accuracy on the people
        who were trained on.
        """
        return cls(
            rotate_deg=25.0, shift=0.2, zoom=0.7, shear=0.2, squeeze=0.25, brightness=0.6,
            contrast=0.5, saturation=0.8, hue_deg=60.0, grey_share=0.2, blur_share=0.25,
            noise_share=0.25, low_resolution_share=0.3, occlude_share=0.3, background_share=0.7,
        )  # fmt: skip

    def __post_init__(self) -> None:
        check = checks_of(self, "augment.")
        for name in self.__slots__:
            value = getattr(self, name)
            check(name, value >= 0 and (value <= 1 or name.endswith("_deg")),
                  "0 or more, and at most 1 where it is not in degrees",
                  f"set augment.{name} to 0 to switch it off")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How strongly sizes count in an epoch's deck of pictures; all 1 = every picture once.

    A group of n near duplicates gives n**group_power pictures (0.5: a film of 100 frames gives
    10). `source_power` says how a class's pictures are shared among its sources, `class_power`
    how the deck is shared among the classes; 0 = all equally often. The formula is in
    `fingerspell.loading.sampling`.
    """

    group_power: float = 1.0
    source_power: float = 1.0
    class_power: float = 1.0

    def __post_init__(self) -> None:
        check = checks_of(self, "sampling.")
        for name in self.__slots__:
            check(name, 0 <= getattr(self, name) <= 1,
                  "a power from 0 (sizes do not count) to 1 (sizes count in full)",
                  f"omit sampling.{name} for 1")  # fmt: skip


_PHASE = Phase(name="adapt", epochs=6, learning_rate=1e-4, unfrozen_from="all")
_EVEN = SamplingConfig(source_power=0.0, class_power=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One training run, complete: saved in `run.json` beside its results.

    `feature_views` is how many augmented views of each picture a frozen phase learns from in an
    epoch; their features are kept in at most `feature_cache_bytes` on the disk while it lasts (0:
    no cache, the network sees every picture in every epoch). The validated and saved weights are
    the average over the last `average_epochs` passes (0: the latest weights).
    `synthetic_per_class` synthetic hands of every class are mixed into the training pictures.
    Classes are balanced by the sampling and in the loss; `class_weight` names those that shall
    count more (above 1) or less all the same, such as J and Z, whose stills look like I and D.
    `threshold` is the lowest acceptance threshold of the bundle; a higher one is fitted where
    validation needs it. A checkpoint is written every `save_every_min`,
    after every `save_every_steps` of the run (0: not counted) and at each epoch's end.
    `trust` skips hashing the pictures again. `recipe_file` and
    `recipe_sha256` name the file that the settings were read from, where it was one.
    """

    dataset_dir: Path
    output_dir: Path
    model: ModelConfig = field(default_factory=ModelConfig)
    phases: tuple[Phase, ...] = field(default_factory=lambda: two_phases(50))
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    class_weight: Mapping[str, float] = field(default_factory=dict)
    batch_size: int = 32
    synthetic_per_class: int = 0
    feature_views: int = 2
    feature_cache_bytes: int = 4_000_000_000
    label_smoothing: float = 0.05
    average_epochs: float = 0.5
    seed: int = 42
    threshold: float = 0.7
    save_every_min: float = 5.0
    save_every_steps: int = 0
    trust: bool = False
    overwrite: bool = False
    resume: bool = False
    recipe_file: str = ""
    recipe_sha256: str = ""

    def __post_init__(self) -> None:
        check = checks_of(self)
        check("save_every_min", self.save_every_min >= 0,
              "0 minutes (every step is saved) or more", "use 5")  # fmt: skip
        steps = self.save_every_steps
        check("save_every_steps", isinstance(steps, int) and steps >= 0,
              "a whole number of steps, or 0 to go by minutes alone",
              "use --save_every_steps 500")  # fmt: skip
        check("batch_size", self.batch_size >= 1, "at least 1 picture a step",
              "use --batch_size 32")  # fmt: skip
        require_seed(self.seed)
        check("class_weight", all(factor > 0 for factor in self.class_weight.values()),
              "a factor above 0 for each class that it names", 'write {"J": 1 / 3}')  # fmt: skip
        check("threshold", 0 < self.threshold < 1, "a probability between 0 and 1", "use 0.7")
        check("synthetic_per_class", self.synthetic_per_class >= 0,
              "0 or more synthetic pictures a class",
              "use --synth 100, or --synth 0 for none")  # fmt: skip
        check("feature_views", self.feature_views >= 1, "at least 1 view of each picture", "use 2")
        check("feature_cache_bytes", self.feature_cache_bytes >= 0, "0 bytes (no cache) or more",
              "use 4_000_000_000")  # fmt: skip
        require_smoothing(self.label_smoothing)
        check("average_epochs", 0 <= self.average_epochs < float("inf"),
              "0 passes (the latest weights) or more", "use 0.5")  # fmt: skip
        require(
            not (self.overwrite and self.resume),
            found="--overwrite together with --resume",
            expected="one of the two",
            fix="--resume continues the run in the folder, --overwrite starts again",
        )
        require_order(self.phases)


ADAPTED_PICTURES = "adapted_pictures"
"""Not `dataset`: that may be a project's own prepared data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptConfig:
    """One adaptation; its time does not depend on how many pictures there are.

    `test_share` of the pictures are held back to measure the gain. `synthetic_per_class`
    synthetic hands of every class are mixed in, and `sampling` makes half of each class's pictures
    its own and half synthetic. The whole network learns, `steps_per_epoch` steps an epoch. The
    weights that are kept are

        released + kept_share * (learnt - released)

    Reference: Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022.
    """

    input_dir: Path
    output_dir: Path = Path("adapted")
    phase: Phase = _PHASE
    steps_per_epoch: int = 20
    kept_share: float = 0.75
    synthetic_per_class: int = 16
    test_share: float = 0.2
    batch_size: int = 32
    label_smoothing: float = 0.05
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    sampling: SamplingConfig = _EVEN
    seed: int = 42
    overwrite: bool = False

    def __post_init__(self) -> None:
        check = checks_of(self)
        require_seed(self.seed)
        require_smoothing(self.label_smoothing)
        for name in ("steps_per_epoch", "synthetic_per_class", "batch_size"):
            check(name, getattr(self, name) >= 1, "a whole number from 1 up",
                  f"omit {name} for its default")  # fmt: skip
        for name in ("kept_share", "test_share"):
            check(name, 0 < getattr(self, name) <= 1, "a share above 0, and at most 1",
                  f"omit {name} for its default")  # fmt: skip

    @property
    def dataset_dir(self) -> Path:
        """The folder of the checked pictures, inside the run folder."""
        return self.output_dir / ADAPTED_PICTURES
