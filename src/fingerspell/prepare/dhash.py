"""Perceptual hash of a picture (dHash): 128 bits, the signs of brightness gradients.

Each bit says whether one block of the picture is brighter than its neighbour: 8×8 horizontal
gradients, then 8×8 vertical ones.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.images.decode import Grey, Pixels, luma

_BLOCKS = 8
BITS = 2 * _BLOCKS * _BLOCKS

MOST_SIDE_PX = 2_000
"""Longer sides are shrunk first: the sums over a larger picture would leave 32 bits."""

_BlockMeans = NDArray[np.float64]


def dhash(rgb: Pixels) -> str:
    """Returns 128 bits as 32 hexadecimal digits: 64 horizontal gradients, then 64 vertical."""
    return dhash_of_luma(luma(rgb))


def dhash_of_luma(grey: Grey) -> str:
    """Returns `dhash` of a picture whose luma is at hand."""
    wide, tall = block_means(grey, _BLOCKS)
    brighter = np.empty((2, _BLOCKS, _BLOCKS), np.bool_)
    np.greater(wide[:, 1:], wide[:, :-1], out=brighter[0])
    np.greater(tall[1:], tall[:-1], out=brighter[1])
    return np.packbits(brighter).tobytes().hex()


def block_means(grey: Grey, blocks: int) -> tuple[_BlockMeans, _BlockMeans]:
    """Returns (blocks, blocks + 1) and (blocks + 1, blocks) mean grey levels, whole.

    The sum over a rectangle is a difference of the summed-area table at its corners (Crow,
    "Summed-area tables for texture mapping", SIGGRAPH 1984); between pixels the table is
    bilinear. Rounding keeps a flat ground flat: blocks that differ by noise count as equal.
    """
    grey = _shrunk(grey)
    height, width = grey.shape
    places, shares = _corners(height, width, blocks)
    table = cv2.integral(grey).ravel()
    at = np.add.reduce(table.take(places) * shares)
    lines = at[1:] - at[:-1]
    means = np.rint((lines[:, 1:] - lines[:, :-1]) * (blocks * (blocks + 1) / (height * width)))
    # Both grids' edges lie one behind the other, so one block in between belongs to neither.
    return means[:blocks, blocks + 1 :], means[blocks + 1 :, :blocks]


@lru_cache(256)
def _corners(height: int, width: int, blocks: int) -> tuple[NDArray[np.intp], _BlockMeans]:
    """Returns where in the flat table the four neighbours of every corner of both grids lie, and
    how much each of them counts: (4, corners, corners)."""
    above, down = _edges(height, blocks)
    left, across = _edges(width, blocks)
    rows = np.stack([above, above, above + 1, above + 1])[:, :, None]
    columns = np.stack([left, left + 1, left, left + 1])[:, None, :]
    up, back = 1 - down, 1 - across
    shares = [np.outer(y, x) for y, x in ((up, back), (up, across), (down, back), (down, across))]
    return rows * (width + 1) + columns, np.stack(shares)


def _edges(length: int, blocks: int) -> tuple[NDArray[np.intp], _BlockMeans]:
    """Returns the pixel before every edge of both grids, and how far behind it the edge lies."""
    edges = np.concatenate([np.arange(n + 1) * (length / n) for n in (blocks, blocks + 1)])
    before = np.minimum(edges.astype(np.intp), length - 1)
    return before, edges - before


def _shrunk(grey: Grey) -> Grey:
    height, width = grey.shape
    if max(height, width) <= MOST_SIDE_PX:
        return grey
    size = (min(width, MOST_SIDE_PX), min(height, MOST_SIDE_PX))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
