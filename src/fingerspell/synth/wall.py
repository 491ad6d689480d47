"""Bare backgrounds: walls, colours that run into each other, blotches, black."""

from __future__ import annotations

import numpy as np

from fingerspell.synth.arrays import Floats


def colour(rng: np.random.Generator, vivid: float = 0.25) -> Floats:
    """A colour as rooms have them: any brightness, mostly dull and warm, now and then vivid."""
    grey = rng.beta(1.5, 1.2)
    warm = rng.normal(0.03, 0.08) * np.array([1.0, 0.2, -1.0])
    tint = rng.normal(0, 0.5, 3) * vivid * (1.0 if rng.random() < 0.3 else 0.15)
    return np.clip(grey * (1 + warm) + (0.2 + 0.6 * grey) * tint, 0, 1).astype(np.float32)


def plain(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall of one colour, a little brighter to one side, (h, w, 3)."""
    wall = np.empty((height, width, 3), np.float32)
    wall[:] = colour(rng, 0.2)
    wall *= ramp(rng, height, width, 0.25)[..., None]
    return wall + blotches(rng, height, width, 3)[..., None] * rng.uniform(0, 0.1)


def ramp(rng: np.random.Generator, height: int, width: int, depth: float) -> Floats:
    """Brightness (h, w) around 1 that rises to one side by some `depth`."""
    angle = rng.uniform(0, 2 * np.pi)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    ramp: Floats = 1 + np.float32(rng.normal(0, depth)) * (
        x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    )
    return ramp


def blotches(rng: np.random.Generator, height: int, width: int, cells: int) -> Floats:
    """Smooth random heights, (h, w): `cells` to a side."""
    import cv2

    coarse = rng.normal(0, 1, (cells + 2, cells + 2)).astype(np.float32)
    smooth: Floats = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth


def gradient(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Four colours that run into each other, (h, w, 3)."""
    import cv2

    corners = np.stack([colour(rng, 0.4) for _ in range(4)]).reshape(2, 2, 3)
    blend: Floats = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    return blend


def noise(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Blotches of several sizes over one colour, (h, w, 3)."""
    base = np.broadcast_to(colour(rng), (height, width, 3)).copy()
    for cells in (2, 5, 11, 23):
        tint = rng.normal(0, 1, 3).astype(np.float32) * 0.3 + 0.7
        base += blotches(rng, height, width, cells)[..., None] * tint * rng.uniform(0.01, 0.09)
    return base


def black(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Nothing at all: black, now and then white or grey, (h, w, 3)."""
    value = 0.0 if rng.random() < 0.7 else rng.choice([1.0, rng.uniform(0, 1)])
    return np.full((height, width, 3), value, np.float32)
