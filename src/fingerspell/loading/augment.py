"""Data augmentation: one geometric warp, one colour change, then rarer damage.

Everything is drawn from the generator that is passed in, so a picture's changes are a pure
function of (picture, configuration, generator). Values stay uint8 0–255 throughout: no step can
be fed the wrong range.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig
from fingerspell.images import Pixels
from fingerspell.images.fit import padded_size
from fingerspell.loading import photometric
from fingerspell.loading.backgrounds import Backgrounds, cut_out, lay_over
from fingerspell.loading.photometric import either, factor, recolour

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT, cv2.BORDER_CONSTANT)
_SHRINK_FIRST = 2.0
_BLACK = (0, 0, 0, 0)
_WHOLE = 255

_BEND_POINTS = 4
"""A side of the grid whose points are moved: about a finger's length apart."""

_Matrix = NDArray[np.float64]
"""2×3, from picture to output pixels."""


_PAINTED = Backgrounds()
"""Backgrounds without any picture: drawn walls and rooms."""


def augment(
    rgb: Pixels,
    size_px: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
    behind: Backgrounds = _PAINTED,
) -> Pixels:
    """Returns a randomly changed copy, uint8 (h, w, 3), brought to `size_px` in the same warp.

    A picture may get a background from `behind`: behind its hand, where that was cut out on
    black, or else around it.
    """
    if rng.random() >= config.background_share:
        out = warp(rgb, size_px, config, rng)
    else:
        # A photograph covers all of its frame: a background is seen only where it does not reach.
        cover = cut_out(rgb)
        whole = np.full(rgb.shape[:2], _WHOLE, np.uint8)
        out = _composed(rgb, whole if cover is None else cover, size_px, config, rng, behind)
    if config.bend:
        out = _bent(out, config.bend, rng)
    if rng.random() < config.occlude_share:
        out = photometric.occlude(out, rng)
    out = recolour(out, config, rng)
    if rng.random() < config.grey_share:
        out = photometric.grey(out)
    if rng.random() < config.blur_share:
        out = photometric.blur(out, rng)
    if rng.random() < config.low_resolution_share:
        out = photometric.low_resolution(out, rng)
    if rng.random() < config.noise_share:
        out = photometric.noise(out, rng)
    return out


def warp(
    rgb: Pixels, size_px: tuple[int, int], config: AugmentConfig, rng: np.random.Generator
) -> Pixels:
    """Fit, rotation, shift, zoom, shear, squeeze and mirror in one interpolation.

    What lies outside the picture is black (as in `fit`), one random colour, its edge drawn out
    or its reflection, so that no frame of one kind can be learnt.
    """
    rgb = _without_aliasing(rgb, size_px)
    matrix = _affine(rgb.shape[:2], size_px, config, rng)
    kind = int(rng.integers(len(_BORDERS)))
    colour = rng.integers(0, 256, 3).tolist() if kind == len(_BORDERS) - 1 else _BLACK
    # OpenCV warps four channels in little more than half the time of three.
    four = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    moved = _warped(np.asarray(four, np.uint8), matrix, size_px, _BORDERS[kind], colour)
    return np.asarray(cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB), np.uint8)


def _composed(
    rgb: Pixels,
    cover: Pixels,
    size_px: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
    behind: Backgrounds,
) -> Pixels:
    """The same warp before another background; `cover` (h, w) says how much of a pixel is hand."""
    both = _without_aliasing(np.dstack([rgb, cover]), size_px)
    moved = _warped(both, _affine(both.shape[:2], size_px, config, rng), size_px)
    hand, share = np.ascontiguousarray(moved[..., :3]), np.ascontiguousarray(moved[..., 3])
    if share.min() == _WHOLE:
        return hand
    return lay_over(hand, share, behind.draw(size_px, rng))


def _bent(rgb: Pixels, most: float, rng: np.random.Generator) -> Pixels:
    """Returns a picture pulled about like rubber: fingers get longer, thicker or more bent.

    The points of a coarse grid are moved by up to a random share of the sides, at most `most`,
    and what lies between them smoothly. Reference: Simard, Steinkraus & Platt, ICDAR 2003.
    """
    height, width = rgb.shape[:2]
    reach = rng.random() * most
    moves = rng.uniform(-reach, reach, (2, _BEND_POINTS, _BEND_POINTS)).astype(np.float32)
    x, y = (cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in moves)
    x = x * width + np.arange(width, dtype=np.float32)
    y = y * height + np.arange(height, dtype=np.float32)[:, None]
    moved = cv2.remap(rgb, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)


def _affine(
    shape: tuple[int, ...],
    size_px: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> _Matrix:
    """Returns the matrix from picture to output pixels, centre to centre.

        matrix = shift · rotate · shear · (zoom, farther, squeeze, mirror) · fit

    Multiplied out by hand: six numbers are not worth four arrays.
    """
    (height, width), (out_h, out_w) = shape[:2], size_px
    zoom = min(out_w / width, out_h / height) * factor(rng, config.zoom)
    if config.farther:
        zoom /= (1 + config.farther) ** rng.random()
    squeeze = math.sqrt(factor(rng, config.squeeze))
    turn = math.radians(either(rng, config.rotate_deg))
    lean = either(rng, config.shear)
    shift_x, shift_y = either(rng, config.shift), either(rng, config.shift)
    scale_x = zoom * squeeze * (-1.0 if rng.random() < config.mirror_share else 1.0)
    scale_y = zoom / squeeze
    cos, sin = math.cos(turn), math.sin(turn)
    xx, xy = cos * scale_x, (cos * lean - sin) * scale_y
    yx, yy = sin * scale_x, (sin * lean + cos) * scale_y
    from_x, from_y = (width - 1) / 2, (height - 1) / 2
    to_x, to_y = (out_w - 1) / 2 + shift_x * out_w, (out_h - 1) / 2 + shift_y * out_h
    return np.array(
        [[xx, xy, to_x - xx * from_x - xy * from_y], [yx, yy, to_y - yx * from_x - yy * from_y]]
    )


def _warped(
    pixels: Pixels,
    matrix: _Matrix,
    size_px: tuple[int, int],
    border: int = cv2.BORDER_CONSTANT,
    colour: Sequence[float] = _BLACK,
) -> Pixels:
    """Adds as much of the border as the warp needs, then warps.

    `warpAffine` could do it itself, but asks for each pixel outside one by one: that takes up to
    twice the time of a warp within the picture.
    """
    (xx, xy, x0), (yx, yy, y0) = matrix.tolist()
    (height, width), (bottom, right) = pixels.shape[:2], (size_px[0] - 1, size_px[1] - 1)
    determinant = xx * yy - xy * yx
    corners = [(x - x0, y - y0) for x in (0, right) for y in (0, bottom)]
    xs = [(yy * x - xy * y) / determinant for x, y in corners]
    ys = [(xx * y - yx * x) / determinant for x, y in corners]
    # The interpolation reads the next pixel too.
    left, above = max(0, math.ceil(-min(xs))), max(0, math.ceil(-min(ys)))
    beyond = max(0, math.ceil(max(xs)) + 2 - width)
    below = max(0, math.ceil(max(ys)) + 2 - height)
    whole = cv2.copyMakeBorder(pixels, above, below, left, beyond, border, value=colour)
    moved = [[xx, xy, x0 - xx * left - xy * above], [yx, yy, y0 - yx * left - yy * above]]
    size = (size_px[1], size_px[0])
    return np.asarray(cv2.warpAffine(whole, np.array(moved), size), dtype=np.uint8)


def _without_aliasing(rgb: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Averages a much larger picture down to twice the output first; a warp would skip pixels."""
    tall, _ = padded_size(rgb.shape[0], rgb.shape[1], size_px)
    shrink = tall / size_px[0]
    if shrink <= _SHRINK_FIRST:
        return rgb
    by = _SHRINK_FIRST / shrink
    smaller = (max(1, round(rgb.shape[1] * by)), max(1, round(rgb.shape[0] * by)))
    return np.asarray(cv2.resize(rgb, smaller, interpolation=cv2.INTER_AREA))
