"""Runs a recogniser over picture files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerspell import images

Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""float32 (N, h, w, 3) in [0, 1] → float32 (N, C)."""


def predict_files(
    probabilities: Probabilities,
    paths: Sequence[Path],
    size_px: tuple[int, int],
    batch_size: int = 32,
) -> NDArray[np.float32]:
    """Returns the answers (N, C) in the order of `paths`; (0, 0) without paths.

    Pictures are loaded batch by batch: memory does not grow with their number. Raises
    `PictureError` naming the first file that cannot be read.
    """
    rows = [
        np.asarray(probabilities(_load(paths[start : start + batch_size], size_px)), np.float32)
        for start in range(0, len(paths), batch_size)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def _load(paths: Sequence[Path], size_px: tuple[int, int]) -> NDArray[np.float32]:
    return np.stack([images.load(path, size_px) for path in paths])
