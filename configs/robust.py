"""For people, rooms and cameras that the training has not seen.

    fingerspell train --config configs/robust.py

Strong changes to every picture, other backgrounds behind cut-out hands; neighbouring frames of
one film, large sources and large classes count less than their size; twice the usual number of
synthetic hands; weights averaged over two passes. Duration and score: see docs/studies/engine.md.
"""

from __future__ import annotations

from typing import Any

from fingerspell.config import AugmentConfig, SamplingConfig, TrainConfig, assemble, two_phases

search_space = {
    "finetune.learning_rate": (1e-4, 1e-3, "log"),
    "augment.zoom": (0.3, 1.0),
    "augment.hue_deg": (10.0, 90.0),
    "augment.low_resolution_share": (0.1, 0.5),
    "sampling.group_power": (0.0, 1.0),
    "label_smoothing": (0.0, 0.2),
    "model.dropout": (0.1, 0.5),
}
"""Where `--tune 20` looks for a better recipe."""


def recipe(
    *, epochs: int = 40, patience_epochs: int = 8, weights: str = "auto", **given: Any
) -> TrainConfig:
    return assemble(
        given,
        weights=weights,
        phases=two_phases(epochs, patience_epochs, pretrained=weights != "none"),
        augment=AugmentConfig.strong(),
        sampling=SamplingConfig(group_power=0.5, source_power=0.5, class_power=0.0),
        synthetic_per_class=200,
        average_epochs=2.0,
    )
