"""MixUp and CutMix, for a study alone: what a training stream deals is mixed before it is learnt.

References: Zhang et al., mixup, ICLR 2018; Yun et al., CutMix, ICCV 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

MIXUP_ALPHA = 0.2
CUTMIX_ALPHA = 1.0

Mix = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


def mixup(
    pictures: np.ndarray, targets: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Returns every picture (B, h, w, 3) laid over another of its batch; targets (B, C) too."""
    share = np.float32(rng.beta(MIXUP_ALPHA, MIXUP_ALPHA))
    other = rng.permutation(len(pictures))
    return (
        share * pictures + (1 - share) * pictures[other],
        share * targets + (1 - share) * targets[other],
    )


def cutmix(
    pictures: np.ndarray, targets: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Returns every picture with a piece of another of its batch; targets by the areas."""
    height, width = pictures.shape[1:3]
    side = np.sqrt(1 - rng.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    rows, columns = round(height * side), round(width * side)
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    other = rng.permutation(len(pictures))
    mixed = pictures.copy()
    piece = np.s_[:, top : top + rows, left : left + columns]
    mixed[piece] = pictures[other][piece]
    share = np.float32(1 - rows * columns / (height * width))
    return mixed, share * targets + (1 - share) * targets[other]


@contextmanager
def mixing(mix: Mix, seed: int = 0) -> Iterator[None]:
    """Mixes every batch that a training learns from, for as long as the context lasts."""
    from fingerspell.train import phases

    whole = phases._training_stream

    def mixed(*given: Any) -> Iterator[Any]:
        rng = np.random.default_rng(seed)
        for pictures, targets, weights in whole(*given):
            yield *mix(pictures, targets, rng), weights

    phases._training_stream = mixed
    try:
        yield
    finally:
        phases._training_stream = whole
