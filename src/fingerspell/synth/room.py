"""Backgrounds with things in them: rooms, furniture, clutter."""

from __future__ import annotations

import numpy as np

from fingerspell.synth.arrays import Floats
from fingerspell.synth.wall import colour, plain, ramp


def _rectangle(rng: np.random.Generator, scene: Floats, vivid: float = 0.35) -> None:
    import cv2

    height, width = scene.shape[:2]
    centre = rng.uniform(-0.1, 1.1, 2) * (width, height)
    size = np.exp(rng.normal(-1.4, 0.7, 2)) * (width, height)
    angle = rng.choice([0.0, 0.0, 90.0, rng.uniform(0, 180)]) + rng.normal(0, 2)
    box = cv2.boxPoints((centre.tolist(), size.tolist(), float(angle))).astype(np.int32)
    cv2.fillConvexPoly(scene, box, colour(rng, vivid).tolist(), cv2.LINE_AA)
    if rng.random() < 0.4:
        cv2.polylines(
            scene, [box], True, colour(rng).tolist(), int(rng.integers(1, 4)), cv2.LINE_AA
        )


def draw_room(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall, a floor, a window or a door, some furniture, perhaps blinds or boards."""
    import cv2

    scene = plain(rng, height, width)
    slope = rng.normal(0, 0.12) * width
    floor = rng.uniform(0.4, 1.3) * height
    edge = np.array([[0, floor], [width, floor + slope], [width, 2 * height], [0, 2 * height]])
    cv2.fillConvexPoly(scene, edge.astype(np.int32), colour(rng, 0.35).tolist(), cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 6))):
        _rectangle(rng, scene)
    if rng.random() < 0.3:
        _window(rng, scene)
    if rng.random() < 0.3:
        _stripes(rng, scene)
    return scene * ramp(rng, height, width, 0.2)[..., None]


def _window(rng: np.random.Generator, scene: Floats) -> None:
    height, width = scene.shape[:2]
    x, y = (rng.uniform(-0.2, 0.8, 2) * (width, height)).astype(int)
    w, h = (rng.uniform(0.25, 0.8, 2) * (width, height)).astype(int)
    x0, y0 = max(x, 0), max(y, 0)
    scene[y0 : max(y + h, 0), x0 : max(x + w, 0)] = rng.uniform(0.85, 1.0)
    if rng.random() < 0.5 and h > 8:
        scene[max(y + h // 2, 0) : max(y + h // 2 + 3, 0), x0 : max(x + w, 0)] = colour(rng)


def _stripes(rng: np.random.Generator, scene: Floats) -> None:
    height, width = scene.shape[:2]
    pitch = rng.uniform(6, 30)
    axis = np.arange(width)[None, :] if rng.random() < 0.5 else np.arange(height)[:, None]
    wave = (np.sin(2 * np.pi * axis / pitch) > rng.uniform(-0.9, 0.9)).astype(np.float32)
    scene *= (1 + wave * np.float32(rng.normal(0, 0.18)))[..., None]


def clutter(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Many things in front of a wall, (h, w, 3)."""
    import cv2

    scene = plain(rng, height, width)
    for _ in range(int(rng.integers(6, 22))):
        if rng.random() < 0.6:
            _rectangle(rng, scene, 0.6)
        else:
            centre = (rng.uniform(0, 1, 2) * (width, height)).astype(int).tolist()
            axes = (np.exp(rng.normal(-2.2, 0.6, 2)) * (width, height)).astype(int) + 1
            cv2.ellipse(
                scene, centre, axes.tolist(), float(rng.uniform(0, 180)), 0, 360,
                colour(rng, 0.6).tolist(), -1, cv2.LINE_AA,
            )  # fmt: skip
    return scene
