"""Every setting of a run: frozen, checked when built, its unit in its name."""

from fingerspell.config.augment import AugmentConfig
from fingerspell.config.network import BACKBONES, MIN_IMAGE_PX, ModelConfig
from fingerspell.config.phase import Phase, two_phases
from fingerspell.config.prepare import SPLIT_RULES, PrepareConfig
from fingerspell.config.train import TrainConfig

__all__ = [
    "BACKBONES",
    "MIN_IMAGE_PX",
    "SPLIT_RULES",
    "AugmentConfig",
    "ModelConfig",
    "Phase",
    "PrepareConfig",
    "TrainConfig",
    "two_phases",
]
