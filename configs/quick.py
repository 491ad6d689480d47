"""A first usable result in a few minutes on two cores.

    fingerspell train --config configs/quick.py

128 × 128 pixels. The frozen network computes two augmented views of every picture once, and the
head learns from them in seconds; then the whole network learns, half of the epochs on pictures of
96 pixels, which cost half as much. Duration and score: see docs/studies/engine.md.
"""

from __future__ import annotations

from typing import Any

from fingerspell.config import TrainConfig, assemble, progressive, two_phases


def recipe(
    *,
    epochs: int = 9,
    patience_epochs: int = 3,
    weights: str = "auto",
    image_size_px: tuple[int, int] = (128, 128),
    **given: Any,
) -> TrainConfig:
    head, finetune = two_phases(epochs, patience_epochs, pretrained=weights != "none")
    small_px = min(96, *image_size_px)
    return assemble(
        given,
        weights=weights,
        image_size_px=image_size_px,
        phases=(head, *progressive(finetune, {small_px: 0.5, None: 0.5})),
        synthetic_per_class=50,
    )
