"""A grey picture averaged down to the few cells that a perceptual hash compares.

`cv2.resize` with INTER_AREA gives the same averages but for a rounding in a thousand, at three
times the cost; here one sum over the picture serves both grids.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.images import Grey

MOST_SIDE_PX = 2_000
"""Longer sides are shrunk first: the sums over a larger picture would leave 32 bits."""

Cells = NDArray[np.float64]


def two_grids(grey: Grey, cells: int) -> tuple[Cells, Cells]:
    """Returns (cells, cells + 1) and (cells + 1, cells) mean grey levels, rounded to whole ones.

    The sum over a rectangle is a difference of the summed-area table at its corners (Crow,
    "Summed-area tables for texture mapping", SIGGRAPH 1984); between pixels the table is
    bilinear. Rounding keeps a flat ground flat: cells that differ by noise count as equal.
    """
    grey = _shrunk(grey)
    height, width = grey.shape
    places, shares = _corners(height, width, cells)
    table = cv2.integral(grey).ravel()
    at = np.add.reduce(table.take(places) * shares)
    lines = at[1:] - at[:-1]
    means = np.rint((lines[:, 1:] - lines[:, :-1]) * (cells * (cells + 1) / (height * width)))
    # Both grids' edges lie one behind the other, so one cell in between belongs to neither.
    return means[:cells, cells + 1 :], means[cells + 1 :, :cells]


@lru_cache(256)
def _corners(height: int, width: int, cells: int) -> tuple[NDArray[np.intp], Cells]:
    """Returns where in the flat table the four neighbours of every corner of both grids lie, and
    how much each of them counts: (4, corners, corners)."""
    above, down = _edges(height, cells)
    left, across = _edges(width, cells)
    rows = np.stack([above, above, above + 1, above + 1])[:, :, None]
    columns = np.stack([left, left + 1, left, left + 1])[:, None, :]
    up, back = 1 - down, 1 - across
    shares = [np.outer(y, x) for y, x in ((up, back), (up, across), (down, back), (down, across))]
    return rows * (width + 1) + columns, np.stack(shares)


def _edges(length: int, cells: int) -> tuple[NDArray[np.intp], Cells]:
    """Returns the pixel before every edge of both grids, and how far behind it the edge lies."""
    edges = np.concatenate([np.arange(n + 1) * (length / n) for n in (cells, cells + 1)])
    before = np.minimum(edges.astype(np.intp), length - 1)
    return before, edges - before


def _shrunk(grey: Grey) -> Grey:
    height, width = grey.shape
    if max(height, width) <= MOST_SIDE_PX:
        return grey
    size = (min(width, MOST_SIDE_PX), min(height, MOST_SIDE_PX))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
