"""The training guide's recipe, corrected: what `fingerspell train` does without a file.

    fingerspell train --config configs/guide.py

200 × 200 pixels, 32 pictures a step, at most 50 epochs: 15 of the head on cached features of the
frozen network, 35 of the whole network at a tenth of the rate, BatchNormalization kept still.
What was corrected, and why: docs/guide.md. Duration and score: see docs/studies/engine.md.
"""

from __future__ import annotations

from typing import Any

from fingerspell.config import TrainConfig, guide


def recipe(**given: Any) -> TrainConfig:
    return guide(**given)
