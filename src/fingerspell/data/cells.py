"""A grey picture averaged down to the few cells that a perceptual hash compares.

`cv2.resize` with INTER_AREA gives the same averages but for a rounding in a thousand, at three
times the cost; here one sum over the picture serves both grids.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_SIDE_PX = 2_000
"""Longer sides are shrunk first: the sums over a larger picture would leave 32 bits."""

Cells = NDArray[np.float64]


def two_grids(grey: NDArray[np.uint8], cells: int) -> tuple[Cells, Cells]:
    """Returns (cells, cells + 1) and (cells + 1, cells) mean grey levels, rounded to whole ones.

    The sum over a rectangle is a difference of the summed-area table at its corners (Crow,
    "Summed-area tables for texture mapping", SIGGRAPH 1984); between pixels the table is
    bilinear. Rounding keeps a flat ground flat: cells that differ by noise count as equal.
    """
    grey = _shrunk(grey)
    height, width = grey.shape
    table = cv2.integral(grey)
    above, below, down = _corners(height, cells)
    left, right, across = _corners(width, cells)
    rows = table[above] * (1 - down)[:, None] + table[below] * down[:, None]
    at = rows[:, left] * (1 - across) + rows[:, right] * across
    sums = np.diff(np.diff(at, axis=0), axis=1)
    means = np.rint(sums * (cells * (cells + 1) / (height * width)))
    # Both grids' edges lie one behind the other, so one cell in between belongs to neither.
    return means[:cells, cells + 1 :], means[cells + 1 :, :cells]


@lru_cache(1024)
def _corners(length: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Cells]:
    """Returns the pixels before and behind every edge of both grids, and how far between."""
    edges = np.concatenate([np.arange(n + 1) * (length / n) for n in (cells, cells + 1)])
    before = np.minimum(edges.astype(np.intp), length - 1)
    return before, before + 1, edges - before


def _shrunk(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    if max(height, width) <= MOST_SIDE_PX:
        return grey
    size = (min(width, MOST_SIDE_PX), min(height, MOST_SIDE_PX))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
