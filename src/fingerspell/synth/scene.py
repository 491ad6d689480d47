"""What is behind the hand: walls, drawn rooms, clutter, people, or the user's own pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from fingerspell.errors import DataError
from fingerspell.images import read
from fingerspell.synth.arrays import Floats
from fingerspell.synth.config import SCENES, SynthConfig
from fingerspell.synth.person import draw_person
from fingerspell.synth.room import clutter, draw_room
from fingerspell.synth.wall import black, gradient, noise, plain

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def sample_scene(
    rng: np.random.Generator, height: int, width: int, config: SynthConfig, skin: Floats
) -> Floats:
    """Returns a background, sRGB float32 (h, w, 3) in [0, 1]; `skin` (3,) is the signer's, linear.

    The face behind a hand has the hand's own colour, as a signer's has.
    """
    if config.backgrounds_dir is not None and rng.random() < config.backgrounds_share:
        return _photograph(rng, height, width, config.backgrounds_dir)
    weights = np.array(config.scenes) / sum(config.scenes)
    kind = SCENES[int(rng.choice(len(SCENES), p=weights))]
    if kind == "person":
        scene = draw_person(rng, height, width, skin)
    else:
        scene = PAINTERS[kind](rng, height, width)
    return np.clip(scene, 0, 1).astype(np.float32)


@lru_cache(maxsize=4)
def _pictures(folder: Path) -> tuple[Path, ...]:
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise DataError(
            found=f"no pictures in {folder}",
            expected=f"a folder with {', '.join(PICTURE_SUFFIXES)} files",
            fix="choose another folder, or leave --backgrounds away for drawn ones",
        )
    return tuple(found)


def _photograph(rng: np.random.Generator, height: int, width: int, folder: Path) -> Floats:
    """A random crop of a random picture of the user's folder."""
    import cv2

    paths = _pictures(folder)
    path = paths[int(rng.integers(len(paths)))]
    picture = read(path)
    share = rng.uniform(0.5, 1.0)
    side_y, side_x = (max(int(side * share), 1) for side in picture.shape[:2])
    y = int(rng.integers(picture.shape[0] - side_y + 1))
    x = int(rng.integers(picture.shape[1] - side_x + 1))
    crop = picture[y : y + side_y, x : x + side_x]
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


PAINTERS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "plain": plain,
    "gradient": gradient,
    "room": draw_room,
    "clutter": clutter,
    "noise": noise,
    "black": black,
}
