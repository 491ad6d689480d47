"""Random changes of a training picture: one warp, one colour step, then rarer damage.

Everything is drawn from the generator that is passed in, so a picture's changes are a pure
function of (picture, configuration, generator). Values stay uint8 0–255 throughout: no step can
be fed the wrong range.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config import AugmentConfig
from fingerspell.data import damage
from fingerspell.images import Pixels
from fingerspell.images.fit import padded_size

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT, cv2.BORDER_CONSTANT)
_SHRINK_FIRST = 2.0


def augment(
    rgb: Pixels, size_px: tuple[int, int], config: AugmentConfig, rng: np.random.Generator
) -> Pixels:
    """Returns a randomly changed copy, uint8 (h, w, 3), brought to `size_px` in the same warp."""
    out = warp(rgb, size_px, config, rng)
    if rng.random() < config.occlude_share:
        out = damage.occlude(out, rng)
    out = recolour(out, config, rng)
    if rng.random() < config.grey_share:
        out = damage.grey(out)
    if rng.random() < config.blur_share:
        out = damage.blur(out, rng)
    if rng.random() < config.low_resolution_share:
        out = damage.low_resolution(out, rng)
    if rng.random() < config.noise_share:
        out = damage.noise(out, rng)
    return out


def warp(
    rgb: Pixels, size_px: tuple[int, int], config: AugmentConfig, rng: np.random.Generator
) -> Pixels:
    """Fit, rotation, shift, zoom, shear, squeeze and mirror in one interpolation.

    What lies outside the picture is black (as in `fit`), one random colour, its edge drawn out
    or its reflection, so that no frame of one kind can be learnt.
    """
    rgb = _without_aliasing(rgb, size_px)
    matrix = affine(rgb.shape[:2], size_px, config, rng)
    kind = int(rng.integers(len(_BORDERS)))
    colour = rng.integers(0, 256, 3).tolist() if kind == len(_BORDERS) - 1 else (0, 0, 0)
    height, width = size_px
    out: Pixels = cv2.warpAffine(  # type: ignore[assignment]
        rgb,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=_BORDERS[kind],
        borderValue=colour,
    )
    return out


def affine(
    shape: tuple[int, ...],
    size_px: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Returns the 2×3 matrix from picture to output pixels, centre to centre.

    matrix = shift · rotate · shear · (zoom, squeeze, mirror) · fit
    """
    (height, width), (out_h, out_w) = shape[:2], size_px
    fit_scale = min(out_w / width, out_h / height)
    zoom = fit_scale * _factor(rng, config.zoom)
    squeeze = math.sqrt(_factor(rng, config.squeeze))
    turn = math.radians(_either(rng, config.rotate_deg))
    lean = _either(rng, config.shear)
    shift_x, shift_y = _either(rng, config.shift), _either(rng, config.shift)
    mirror = -1.0 if rng.random() < config.mirror_share else 1.0
    scale = np.diag([zoom * squeeze * mirror, zoom / squeeze])
    shear = np.array([[1.0, lean], [0.0, 1.0]])
    cos, sin = math.cos(turn), math.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ shear @ scale
    middle_in = np.array([(width - 1) / 2, (height - 1) / 2])
    middle_out = np.array([(out_w - 1) / 2 + shift_x * out_w, (out_h - 1) / 2 + shift_y * out_h])
    return np.column_stack([linear, middle_out - linear @ middle_in])


def recolour(rgb: Pixels, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    """Saturation and hue as one 3×3 matrix, brightness, gamma and contrast as one table."""
    saturation = _factor(rng, config.saturation)
    hue = math.radians(_either(rng, config.hue_deg))
    gain, gamma = _factor(rng, config.brightness), _factor(rng, config.brightness)
    contrast = _factor(rng, config.contrast)
    if (saturation, hue) != (1.0, 0.0):
        rgb = cv2.transform(rgb, colour_matrix(saturation, hue))  # type: ignore[assignment]
    if (gain, gamma, contrast) != (1.0, 1.0, 1.0):
        rgb = cv2.LUT(rgb, tone_table(gain, gamma, contrast))  # type: ignore[assignment]
    return rgb


def colour_matrix(saturation: float, hue: float) -> NDArray[np.float32]:
    """Returns the RGB matrix that scales saturation and turns hue (radians) around the grey axis.

    Grey stays grey; the turn is Rodrigues' rotation around (1, 1, 1).
    """
    luma = np.array([0.299, 0.587, 0.114])
    saturate = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))
    third, across = 1 / 3, math.sin(hue) / math.sqrt(3)
    cross = across * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    turn = math.cos(hue) * np.eye(3) + (1 - math.cos(hue)) * third * np.ones((3, 3)) + cross
    return np.asarray(turn @ saturate, dtype=np.float32)


def tone_table(gain: float, gamma: float, contrast: float) -> NDArray[np.uint8]:
    """Returns 256 grey levels: contrast around mid-grey, then gamma, then brightness."""
    level = np.linspace(0.0, 1.0, 256)
    level = np.clip((level - 0.5) * contrast + 0.5, 0, 1) ** gamma * gain
    return np.asarray(np.rint(np.clip(level, 0, 1) * 255), dtype=np.uint8)


def _without_aliasing(rgb: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Averages a much larger picture down to twice the output first; a warp would skip pixels."""
    tall, _ = padded_size(rgb.shape[0], rgb.shape[1], size_px)
    shrink = tall / size_px[0]
    if shrink <= _SHRINK_FIRST:
        return rgb
    factor = _SHRINK_FIRST / shrink
    width = max(1, round(rgb.shape[1] * factor))
    height = max(1, round(rgb.shape[0] * factor))
    small: Pixels = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return small


def _either(rng: np.random.Generator, most: float) -> float:
    """Uniform in ±most."""
    return float(rng.uniform(-most, most))


def _factor(rng: np.random.Generator, most: float) -> float:
    """A factor around 1, as likely 1 + most as its inverse."""
    return float((1 + most) ** rng.uniform(-1, 1))
