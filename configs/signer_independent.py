"""For people and cameras nobody has seen: the recipe of the recogniser that comes with the project.

    fingerspell train --config configs/unseen signers.py

Takes many sources of other people, cameras and rooms, each counted by the root of its size, so
that a large one does not outvote the rest; four hundred synthetic hands a class; hands up to half as
large again and less than half as large, before other backgrounds, in other colours and light. The
whole network learns from the first step on, BatchNormalization too; half its epochs from pictures
of 128 × 128 pixels, the rest from 160 × 160. An answer localises
the hand and classifies the crop around it. Score: see docs/unseen_signers.md.
"""

from __future__ import annotations

from typing import Any

from fingerspell.config import (
    AugmentConfig,
    Phase,
    SamplingConfig,
    TrainConfig,
    assemble,
    progressive,
)

AUGMENT = AugmentConfig(
    rotate_deg=20.0,
    shift=0.2,
    zoom=0.5,
    farther=0.6,
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
    epochs: int = 12,
    patience_epochs: int = 0,
    image_size_px: tuple[int, int] = (160, 160),
    **given: Any,
) -> TrainConfig:
    finetune = Phase(
        name="finetune",
        epochs=epochs,
        learning_rate=1e-3,
        unfrozen_from="all",
        batchnorm_momentum=0.95,
        patience_epochs=patience_epochs,
    )
    small_px = min(128, *image_size_px)
    smaller = small_px < max(image_size_px)
    return assemble(
        given,
        image_size_px=image_size_px,
        views="hand_crop",
        phases=progressive(finetune, {small_px: 0.5, None: 0.5} if smaller else {None: 1}),
        augment=AUGMENT,
        sampling=SamplingConfig(group_power=1.0, source_power=0.5, class_power=0.0),
        synthetic_per_class=400,
    )
