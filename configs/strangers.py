"""For people and cameras nobody has seen: the recipe of the recogniser that comes with the project.

    fingerspell train --config configs/strangers.py

Takes many sources of other people, cameras and rooms, each counted by the root of its effective
size, so that a film of one hand does not outvote the rest; six hundred drawn hands a class; hands
more than twice as far away, before other backgrounds, in other colours and light. Most epochs
look at small pictures, the last at 160 × 160 pixels. Score: see docs/studies/strangers.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fingerspell.config import (
    AugmentConfig,
    SamplingConfig,
    TrainConfig,
    assemble,
    progressive,
    two_phases,
)

AUGMENT = AugmentConfig(
    rotate_deg=20.0,
    shift=0.2,
    zoom=0.3,
    farther=0.8,
    shear=0.15,
    squeeze=0.2,
    brightness=0.6,
    contrast=0.5,
    saturation=0.7,
    hue_deg=30.0,
    grey_share=0.15,
    blur_share=0.2,
    noise_share=0.2,
    low_resolution_share=0.25,
    occlude_share=0.2,
    background_share=0.8,
)


def recipe(
    *,
    epochs: int = 24,
    patience_epochs: int = 0,
    weights: str = "auto",
    image_size_px: tuple[int, int] = (160, 160),
    **given: Any,
) -> TrainConfig:
    pretrained = weights != "none"
    head, finetune = two_phases(epochs, patience_epochs, pretrained)
    if pretrained:
        finetune = replace(finetune, learning_rate=4e-4)
    small_px, middle_px = min(96, *image_size_px), min(128, *image_size_px)
    stretches = {small_px: 0.5, middle_px: 0.33, None: 0.17} if small_px < middle_px else {None: 1}
    return assemble(
        given,
        weights=weights,
        image_size_px=image_size_px,
        phases=(
            replace(head, image_size_px=(small_px, small_px)),
            *progressive(finetune, stretches),
        ),
        augment=AUGMENT,
        sampling=SamplingConfig(group_power=0.5, source_power=0.5, class_power=0.0),
        drawn_per_class=600,
        feature_views=1,
    )
