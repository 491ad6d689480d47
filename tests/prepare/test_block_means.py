"""The averaged grids are those of an area resize, at a third of the cost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fingerspell.prepare.near_duplicates import MOST_SIDE_PX, block_means


def smooth(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height + width)
    coarse = rng.integers(0, 256, (6, 7), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("size", [(200, 200), (167, 166), (9, 8), (64, 301), (480, 640), (8, 9)])
def test_both_grids_are_those_of_an_area_resize(size: tuple[int, int]) -> None:
    grey = smooth(*size)
    wide, tall = block_means(grey, 8)
    for ours, shape in ((wide, (9, 8)), (tall, (8, 9))):
        theirs = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1
        assert (ours != theirs).mean() < 0.15  # halves may be rounded either way


def test_a_flat_ground_stays_flat() -> None:
    for grid in block_means(np.full((123, 77), 91, np.uint8), 8):
        assert (grid == 91).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40_000), (40_000, 1), (3, 5)])
def test_any_shape_has_its_cells(size: tuple[int, int]) -> None:
    for grid in block_means(np.full(size, 200, np.uint8), 8):
        assert (grid == 200).all()


def test_a_large_white_picture_does_not_overflow() -> None:
    grey = np.full((2 * MOST_SIDE_PX, 2 * MOST_SIDE_PX), 255, np.uint8)
    for grid in block_means(grey, 8):
        assert (grid == 255).all()
