"""Background replacement behind hands that were cut out on black.

Whether a picture is a cut-out is read from its pixels alone, so it is decided the same way every
time. What is laid behind the hand never shows another letter: a soft piece of a picture of the
class without hands (whose pictures do show a fist now and then), any other picture only as a
patch of blurred colours, or a drawn wall or room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.images import Pixels, read
from fingerspell.loading.photometric import between
from fingerspell.synth.scene import clutter, draw_room, gradient, noise, plain

EMPTY = "nothing"
"""The class whose pictures show no letter; a piece of one may be recognised behind a hand."""

_DARK = 16
_DARK_BORDER, _BLACK_BORDER = 0.88, 0.4
"""Least shares of the border that are dark, and wholly black. Of 1,815 cut-outs the darkest
border begins at 0.92; of 8,000 photographs, some taken at night, none goes beyond 0.82."""
_LEAST_HAND = 0.03
_LEAST_HOLE = 0.05
"""Least mean thickness, as a share of the side, of a hole: folds between fingers are thinner."""
_FRINGE_PX = 2
_EMPTY_SHARE, _PATCH_SHARE = 0.4, 0.2
_PIECE_SIDE = (0.2, 0.5)
"""Of a picture's sides: half a hand at most, and no letter can be read from half a hand."""
_SOFT_PX, _BLURRED_PX = (32, 97), (3, 9)
"""To how many pixels a piece is brought down before it is enlarged again."""
_PAINTERS = (plain, gradient, draw_room, clutter, noise)
_NEXT_TO = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


@dataclass(frozen=True, slots=True)
class Backgrounds:
    """Where backgrounds come from: pictures without a letter, and others, which are blurred."""

    empty: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    def draw(self, size_px: tuple[int, int], rng: np.random.Generator) -> Pixels:
        """Returns a background, uint8 (h, w, 3): a pure function of `rng` and the pictures."""
        kind = rng.random()
        if self.empty and kind < _EMPTY_SHARE:
            return _piece(self.empty, _SOFT_PX, size_px, rng)
        if self.others and kind < _EMPTY_SHARE + _PATCH_SHARE:
            return _piece(self.others, _BLURRED_PX, size_px, rng)
        return _paint(size_px, rng)


def backgrounds_of(manifest: Manifest, samples: Sequence[Sample]) -> Backgrounds:
    """Returns the backgrounds that `samples` offer."""
    empty = tuple(manifest.absolute(s) for s in samples if s.label == EMPTY)
    return Backgrounds(empty, tuple(manifest.absolute(s) for s in samples if s.label != EMPTY))


def cut_out(rgb: Pixels) -> Pixels | None:
    """Returns how much of each pixel is hand, uint8 (h, w) 0–255; nothing for a photograph.

    Black that touches the border is background, and so is a black hole in a ring of fingers;
    dark folds between fingers are not. The outermost pixels, which are half black, are left
    out, and the edge is soft.
    """
    if not _on_black(rgb):
        return None
    brightest = cv2.max(cv2.max(rgb[..., 0], rgb[..., 1]), rgb[..., 2])
    bright = cv2.threshold(brightest, _DARK, 1, cv2.THRESH_BINARY)[1]
    dark = np.asarray(1 - cv2.morphologyEx(bright, cv2.MORPH_OPEN, _NEXT_TO))
    _, piece, boxes, _ = cv2.connectedComponentsWithStats(dark, connectivity=4)
    x, y, wide, tall, area = boxes.T
    height, width = dark.shape
    behind = (x == 0) | (y == 0) | (x + wide == width) | (y + tall == height)
    behind |= area / np.maximum(1, np.maximum(wide, tall)) >= _LEAST_HOLE * min(height, width)
    behind[0] = False  # What is not dark.
    hand = np.where(behind, np.uint8(0), np.uint8(255))[piece]
    if cv2.countNonZero(hand) < _LEAST_HAND * hand.size:
        return None
    inner = cv2.erode(hand, _NEXT_TO, iterations=_FRINGE_PX)
    return np.asarray(cv2.GaussianBlur(inner, (3, 3), 0, borderType=cv2.BORDER_REPLICATE))


def lay_over(hand: Pixels, cover: Pixels, background: Pixels) -> Pixels:
    """Returns `hand` (h, w, 3) over `background` where `cover` (h, w), 0–255, says so."""
    share = cover.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.blendLinear(hand, background, share, np.float32(1) - share))


def _on_black(rgb: Pixels) -> bool:
    border = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]).max(axis=1)
    return bool(np.mean(border <= _DARK) >= _DARK_BORDER and np.mean(border == 0) >= _BLACK_BORDER)


def _piece(
    paths: tuple[Path, ...],
    few_px: tuple[int, int],
    size_px: tuple[int, int],
    rng: np.random.Generator,
) -> Pixels:
    """A random part of a random picture, as coarse as `few_px` pixels a side."""
    rgb = read(paths[int(rng.integers(len(paths)))])
    share, few = between(rng, *_PIECE_SIDE), int(rng.integers(*few_px))
    height, width = rgb.shape[:2]
    tall, wide = max(1, round(height * share)), max(1, round(width * share))
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    part = rgb[top : top + tall, left : left + wide]
    return _resized(_resized(part, (few, few), cv2.INTER_AREA), size_px, cv2.INTER_CUBIC)


def _paint(size_px: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A drawn wall or room, at half the size and softened: backgrounds are out of focus."""
    height, width = size_px
    painter = _PAINTERS[int(rng.integers(len(_PAINTERS)))]
    scene: NDArray[np.float32] = painter(rng, (height + 1) // 2, (width + 1) // 2)
    levels = (np.clip(scene, 0, 1) * np.float32(255)).astype(np.uint8)
    return _resized(np.asarray(cv2.blur(levels, (3, 3))), size_px, cv2.INTER_LINEAR)


def _resized(rgb: Pixels, size_px: tuple[int, int], how: int) -> Pixels:
    return np.asarray(cv2.resize(rgb, (size_px[1], size_px[0]), interpolation=how))
