"""The signer's own head and shoulders behind the hand."""

from __future__ import annotations

import numpy as np

from fingerspell.synth.arrays import Floats
from fingerspell.synth.room import draw_room
from fingerspell.synth.skin import GAMMA
from fingerspell.synth.wall import colour, plain


def draw_person(rng: np.random.Generator, height: int, width: int, skin: Floats) -> Floats:
    """Draws somebody in a room, sRGB (h, w, 3); `skin` (3,) is linear RGB."""
    import cv2

    scene = draw_room(rng, height, width) if rng.random() < 0.6 else plain(rng, height, width)
    x = rng.uniform(0.1, 0.9) * width
    y, r = rng.uniform(0.1, 0.45) * height, rng.uniform(0.12, 0.28) * width
    cloth, face = colour(rng, 0.6), skin ** (1 / GAMMA) * rng.uniform(0.7, 1.1)
    hair = rng.uniform(0.02, 0.45) * np.array([1.0, rng.uniform(0.7, 0.95), rng.uniform(0.4, 0.9)])
    high, wide = rng.uniform(0.9, 1.3), rng.uniform(0.8, 1.15)

    def blob(cx: float, cy: float, rx: float, ry: float, paint: Floats) -> None:
        cv2.ellipse(
            scene, (int(cx), int(cy)), (max(int(rx), 1), max(int(ry), 1)), 0, 0, 360,
            np.clip(paint, 0, 1).tolist(), -1, cv2.LINE_AA,
        )  # fmt: skip

    blob(x, y + 3.4 * r, 2.1 * r, 2.0 * r, cloth)
    blob(x, y + 1.2 * r, 0.42 * r, 0.8 * r, face * 0.85)
    blob(x, y - 0.3 * r, wide * r, high * r, hair)
    blob(x, y + 0.12 * r, 0.76 * r, 1.0 * r, face)
    for side in (-0.3, 0.3):
        blob(x + side * r, y, 0.13 * r, 0.07 * r, face * 0.35)
    blob(x, y + 0.62 * r, 0.26 * r, 0.08 * r, face * np.array([0.85, 0.6, 0.6]))
    smooth: Floats = cv2.GaussianBlur(scene, (0, 0), max(rng.uniform(0.02, 0.12) * r, 0.7))
    return smooth
