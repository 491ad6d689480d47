"""Recipe of the released recogniser: for unseen signers, rooms and cameras.

    fingerspell train --config configs/signer_independent.py

Goes on from the released recogniser before it: the last layer learns anew from all signers, on
features of many changed pictures; the rest stays as it is. Moving all weights of it read other
people no better (docs/studies/records/more_signers.md). With other `--weights` the whole network
learns from the first step, BatchNormalization included: 12 epochs, half of them on 128 × 128
pixels, the rest on 160 × 160.

Each source is weighted by the square root of its size, so that a large one does not dominate, and
200 synthetic hands a class are added (400 from other weights). Augmentation scales hands from less
than half to one and a half times their size, and changes background, colours and light. J and Z
count a third: they are movements, and their stills look like I and D. The recogniser takes
pictures of 200 × 200. At 160 × 160 it localises the hand, and classifies the crop around it.
Score: see docs/unseen_signers.md.
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
    epochs: int | None = None,
    patience_epochs: int = 0,
    image_size_px: tuple[int, int] = (200, 200),
    weights: str = "starter",
    **given: Any,
) -> TrainConfig:
    goes_on = weights == "starter"
    head = Phase(
        name="head",
        epochs=6 if epochs is None else epochs,
        learning_rate=1e-3,
        patience_epochs=patience_epochs,
    )
    finetune = Phase(
        name="finetune",
        epochs=12 if epochs is None else epochs,
        learning_rate=1e-3,
        unfrozen_from="all",
        batchnorm_momentum=0.95,
        patience_epochs=patience_epochs,
    )
    small_px = min(128, *image_size_px)
    smaller = small_px < max(image_size_px)
    whole = progressive(finetune, {small_px: 0.5, None: 0.5} if smaller else {None: 1})
    return assemble(
        given,
        weights=weights,
        image_size_px=image_size_px,
        views="hand_crop",
        network_px=160 if max(image_size_px) > 160 else None,
        phases=(head,) if goes_on else whole,
        augment=AUGMENT,
        sampling=SamplingConfig(group_power=1.0, source_power=0.5, class_power=0.0),
        class_weight={"J": 1 / 3, "Z": 1 / 3},
        synthetic_per_class=200 if goes_on else 400,
    )
