"""Settings of an adaptation: the released recogniser fine-tuned on a small data set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.config.augment import AugmentConfig, SamplingConfig
from fingerspell.config.phase import Phase
from fingerspell.errors import require, require_seed, require_smoothing

_PHASE = Phase(name="adapt", epochs=6, learning_rate=1e-4, unfrozen_from="all")
_EVEN = SamplingConfig(source_power=0.0, class_power=0.0)


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
        require_seed(self.seed)
        require_smoothing(self.label_smoothing)
        for name in ("steps_per_epoch", "synthetic_per_class", "batch_size"):
            require(
                getattr(self, name) >= 1,
                found=f"{name}={getattr(self, name)}",
                expected="a whole number from 1 up",
                fix=f"omit {name} for its default",
            )
        for name in ("kept_share", "test_share"):
            require(
                0 < getattr(self, name) <= 1,
                found=f"{name}={getattr(self, name)}",
                expected="a share above 0, and at most 1",
                fix=f"omit {name} for its default",
            )

    @property
    def dataset_dir(self) -> Path:
        """The folder of the checked pictures, inside the run folder.

        Not `dataset`: that may be a project's own prepared data set.
        """
        return self.output_dir / "adapted_pictures"
