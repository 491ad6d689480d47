"""Every setting of a run: frozen, checked when built, its unit in its name."""

from fingerspell.config.augment import AugmentConfig, SamplingConfig
from fingerspell.config.phase import (
    BACKBONES,
    MIN_IMAGE_PX,
    ModelConfig,
    Phase,
    progressive,
    two_phases,
)
from fingerspell.config.prepare import SPLIT_RULES, PrepareConfig
from fingerspell.config.recipe import RecipeFile, as_recipe, assemble, guide, load_recipe
from fingerspell.config.space import Choice, Range, Space, with_settings
from fingerspell.config.train import AdaptConfig, TrainConfig

__all__ = [
    "BACKBONES", "MIN_IMAGE_PX", "SPLIT_RULES", "AdaptConfig", "AugmentConfig", "Choice",
    "ModelConfig", "Phase", "PrepareConfig", "Range", "RecipeFile", "SamplingConfig", "Space",
    "TrainConfig", "as_recipe", "assemble", "guide", "load_recipe", "progressive", "two_phases",
    "with_settings",
]  # fmt: skip
