"""Settings of a training run, and of an adaptation of the released recogniser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.config.augment import AugmentConfig, SamplingConfig
from fingerspell.config.phase import ModelConfig, Phase, require_order, two_phases
from fingerspell.errors import checks_of, require, require_seed, require_smoothing

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
        """The folder of the checked pictures, inside the run folder.

        Not `dataset`: that may be a project's own prepared data set.
        """
        return self.output_dir / "adapted_pictures"
