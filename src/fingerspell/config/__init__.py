"""Every setting of a run: frozen, checked when built, its unit in its name."""

from fingerspell.config.phase import BACKBONES, ModelConfig, Phase, progressive, two_phases
from fingerspell.config.prepare import SPLIT_RULES, PrepareConfig
from fingerspell.config.recipe import as_recipe, assemble, guide, load_recipe
from fingerspell.config.space import Choice, Range, Space, with_settings
from fingerspell.config.train import (
    ADAPTED_PICTURES,
    AdaptConfig,
    AugmentConfig,
    SamplingConfig,
    TrainConfig,
)

__all__ = [
    "ADAPTED_PICTURES", "BACKBONES", "SPLIT_RULES", "AdaptConfig", "AugmentConfig", "Choice",
    "ModelConfig", "Phase", "PrepareConfig", "Range", "SamplingConfig", "Space",
    "TrainConfig", "as_recipe", "assemble", "guide", "load_recipe", "progressive", "two_phases",
    "with_settings",
]  # fmt: skip
