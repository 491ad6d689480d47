"""Backgrounds behind a synthetic hand: walls, rooms, clutter, people, or given photographs."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from fingerspell.errors import DataError
from fingerspell.files import PICTURE_ENDINGS, pictures_below
from fingerspell.images import read
from fingerspell.synth.arrays import GAMMA, Floats
from fingerspell.synth.config import SCENES, SynthConfig


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
        scene = _draw_person(rng, height, width, skin)
    else:
        scene = _PAINTERS[kind](rng, height, width)
    return np.clip(scene, 0, 1).astype(np.float32)


def _photograph(rng: np.random.Generator, height: int, width: int, folder: Path) -> Floats:
    """A random crop of a random picture of the user's folder."""
    paths = _pictures(folder)
    path = paths[int(rng.integers(len(paths)))]
    picture = read(path)
    share = rng.uniform(0.5, 1.0)
    side_y, side_x = (max(int(side * share), 1) for side in picture.shape[:2])
    y = int(rng.integers(picture.shape[0] - side_y + 1))
    x = int(rng.integers(picture.shape[1] - side_x + 1))
    crop = picture[y : y + side_y, x : x + side_x]
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


@lru_cache(maxsize=4)
def _pictures(folder: Path) -> tuple[Path, ...]:
    below, _ = pictures_below(folder)
    if not below:
        raise DataError(
            found=f"no pictures in {folder}",
            expected=f"a folder with {', '.join(PICTURE_ENDINGS)} files",
            fix="choose another folder, or omit --backgrounds for synthetic ones",
        )
    return tuple(below)


def plain(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall of one colour, a little brighter to one side, (h, w, 3)."""
    wall = np.empty((height, width, 3), np.float32)
    wall[:] = _colour(rng, 0.2)
    wall *= _ramp(rng, height, width, 0.25)[..., None]
    return wall + _blotches(rng, height, width, 3)[..., None] * rng.uniform(0, 0.1)


def gradient(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Four colours that run into each other, (h, w, 3)."""
    corners = np.stack([_colour(rng, 0.4) for _ in range(4)]).reshape(2, 2, 3)
    blend: Floats = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    return blend


def draw_room(rng: np.random.Generator, height: int, width: int) -> Floats:
    """A wall, a floor, a window or a door, some furniture, perhaps blinds or boards."""
    scene = plain(rng, height, width)
    slope = rng.normal(0, 0.12) * width
    floor = rng.uniform(0.4, 1.3) * height
    edge = np.array([[0, floor], [width, floor + slope], [width, 2 * height], [0, 2 * height]])
    cv2.fillConvexPoly(scene, edge.astype(np.int32), _colour(rng, 0.35).tolist(), cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 6))):
        _rectangle(rng, scene)
    if rng.random() < 0.3:
        _window(rng, scene)
    if rng.random() < 0.3:
        _stripes(rng, scene)
    return scene * _ramp(rng, height, width, 0.2)[..., None]


def clutter(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Many things in front of a wall, (h, w, 3)."""
    scene = plain(rng, height, width)
    for _ in range(int(rng.integers(6, 22))):
        if rng.random() < 0.6:
            _rectangle(rng, scene, 0.6)
        else:
            centre = (rng.uniform(0, 1, 2) * (width, height)).astype(int).tolist()
            axes = (np.exp(rng.normal(-2.2, 0.6, 2)) * (width, height)).astype(int) + 1
            cv2.ellipse(
                scene, centre, axes.tolist(), float(rng.uniform(0, 180)), 0, 360,
                _colour(rng, 0.6).tolist(), -1, cv2.LINE_AA,
            )  # fmt: skip
    return scene


def noise(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Blotches of several sizes over one colour, (h, w, 3)."""
    base = np.broadcast_to(_colour(rng), (height, width, 3)).copy()
    for cells in (2, 5, 11, 23):
        tint = rng.normal(0, 1, 3).astype(np.float32) * 0.3 + 0.7
        base += _blotches(rng, height, width, cells)[..., None] * tint * rng.uniform(0.01, 0.09)
    return base


def _black(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Nothing at all: black, now and then white or grey, (h, w, 3)."""
    value = 0.0 if rng.random() < 0.7 else rng.choice([1.0, rng.uniform(0, 1)])
    return np.full((height, width, 3), value, np.float32)


def _draw_person(rng: np.random.Generator, height: int, width: int, skin: Floats) -> Floats:
    """Draws somebody in a room, sRGB (h, w, 3); `skin` (3,) is linear RGB."""
    scene = draw_room(rng, height, width) if rng.random() < 0.6 else plain(rng, height, width)
    x = rng.uniform(0.1, 0.9) * width
    y, r = rng.uniform(0.1, 0.45) * height, rng.uniform(0.12, 0.28) * width
    cloth, face = _colour(rng, 0.6), skin ** (1 / GAMMA) * rng.uniform(0.7, 1.1)
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


def _rectangle(rng: np.random.Generator, scene: Floats, vivid: float = 0.35) -> None:
    height, width = scene.shape[:2]
    centre = rng.uniform(-0.1, 1.1, 2) * (width, height)
    size = np.exp(rng.normal(-1.4, 0.7, 2)) * (width, height)
    angle = rng.choice([0.0, 0.0, 90.0, rng.uniform(0, 180)]) + rng.normal(0, 2)
    box = cv2.boxPoints((centre.tolist(), size.tolist(), float(angle))).astype(np.int32)
    cv2.fillConvexPoly(scene, box, _colour(rng, vivid).tolist(), cv2.LINE_AA)
    if rng.random() < 0.4:
        cv2.polylines(
            scene, [box], True, _colour(rng).tolist(), int(rng.integers(1, 4)), cv2.LINE_AA
        )


def _window(rng: np.random.Generator, scene: Floats) -> None:
    height, width = scene.shape[:2]
    x, y = (rng.uniform(-0.2, 0.8, 2) * (width, height)).astype(int)
    w, h = (rng.uniform(0.25, 0.8, 2) * (width, height)).astype(int)
    x0, y0 = max(x, 0), max(y, 0)
    scene[y0 : max(y + h, 0), x0 : max(x + w, 0)] = rng.uniform(0.85, 1.0)
    if rng.random() < 0.5 and h > 8:
        scene[max(y + h // 2, 0) : max(y + h // 2 + 3, 0), x0 : max(x + w, 0)] = _colour(rng)


def _stripes(rng: np.random.Generator, scene: Floats) -> None:
    height, width = scene.shape[:2]
    pitch = rng.uniform(6, 30)
    axis = np.arange(width)[None, :] if rng.random() < 0.5 else np.arange(height)[:, None]
    wave = (np.sin(2 * np.pi * axis / pitch) > rng.uniform(-0.9, 0.9)).astype(np.float32)
    scene *= (1 + wave * np.float32(rng.normal(0, 0.18)))[..., None]


def _colour(rng: np.random.Generator, vivid: float = 0.25) -> Floats:
    """A colour as rooms have them: any brightness, mostly dull and warm, now and then vivid."""
    grey = rng.beta(1.5, 1.2)
    warm = rng.normal(0.03, 0.08) * np.array([1.0, 0.2, -1.0])
    tint = rng.normal(0, 0.5, 3) * vivid * (1.0 if rng.random() < 0.3 else 0.15)
    return np.clip(grey * (1 + warm) + (0.2 + 0.6 * grey) * tint, 0, 1).astype(np.float32)


def _ramp(rng: np.random.Generator, height: int, width: int, depth: float) -> Floats:
    """Brightness (h, w) around 1 that rises to one side by some `depth`."""
    angle = rng.uniform(0, 2 * np.pi)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    ramp: Floats = 1 + np.float32(rng.normal(0, depth)) * (
        x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    )
    return ramp


def _blotches(rng: np.random.Generator, height: int, width: int, cells: int) -> Floats:
    """Smooth random heights, (h, w): `cells` to a side."""
    coarse = rng.normal(0, 1, (cells + 2, cells + 2)).astype(np.float32)
    smooth: Floats = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth


_PAINTERS: dict[str, Callable[[np.random.Generator, int, int], Floats]] = {
    "plain": plain,
    "gradient": gradient,
    "room": draw_room,
    "clutter": clutter,
    "noise": noise,
    "black": _black,
}
