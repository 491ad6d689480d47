"""How much a picture changed since the one before."""

import numpy as np
import pytest

from fingerspell.runtime.motion import motion, thumbnail


def scene(x: int = 100, seed: int | None = None, light: float = 1.0) -> np.ndarray:
    """A bright hand on a dark wall, with the camera's grain."""
    rgb = np.full((240, 320, 3), 60.0)
    rgb[60:200, x : x + 90] = 180
    if seed is not None:
        rgb += np.random.default_rng(seed).normal(0, 6, rgb.shape)
    return np.clip(rgb * light, 0, 255).astype(np.uint8)


def change(before: np.ndarray, now: np.ndarray) -> float:
    moved = motion(thumbnail(before), thumbnail(now))
    assert moved is not None
    return moved


def test_the_first_picture_has_no_motion_and_an_equal_one_none():
    assert motion(None, thumbnail(scene())) is None
    assert change(scene(), scene()) == 0.0


def test_a_hand_that_moves_is_told_from_grain_and_from_a_flat_wall():
    assert change(scene(seed=1), scene(seed=2)) < 0.03 < 0.14 < change(scene(100), scene(125))
    wall = np.full((240, 320, 3), 90, np.uint8)
    assert change(wall, wall + np.uint8(0)) == 0.0 and change(wall, wall + np.uint8(1)) <= 1.0


def test_size_and_contrast_change_little():
    moved = change(scene(100), scene(140))
    assert change(scene(100)[::2, ::2], scene(140)[::2, ::2]) == pytest.approx(moved, rel=0.1)
    assert change(scene(100, light=0.5), scene(140, light=0.5)) == pytest.approx(moved, rel=0.1)
