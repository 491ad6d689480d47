"""What light and camera do to a picture's colours, in one matrix and one table."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config import AugmentConfig
from fingerspell.data.chance import either, factor
from fingerspell.images import Pixels

_LUMA = (0.299, 0.587, 0.114)
_LEVELS = np.linspace(0.0, 1.0, 256)


def recolour(rgb: Pixels, config: AugmentConfig, rng: np.random.Generator) -> Pixels:
    """Saturation and hue as one 3×3 matrix, brightness, gamma and contrast as one table."""
    saturation = factor(rng, config.saturation)
    hue = math.radians(either(rng, config.hue_deg))
    gain, gamma = factor(rng, config.brightness), factor(rng, config.brightness)
    contrast = factor(rng, config.contrast)
    if (saturation, hue) != (1.0, 0.0):
        rgb = cv2.transform(rgb, colour_matrix(saturation, hue))  # type: ignore[assignment]
    if (gain, gamma, contrast) != (1.0, 1.0, 1.0):
        rgb = cv2.LUT(rgb, tone_table(gain, gamma, contrast))  # type: ignore[assignment]
    return rgb


def colour_matrix(saturation: float, hue: float) -> NDArray[np.float32]:
    """Returns the RGB matrix that scales saturation and turns hue (radians) around the grey axis.

    Grey stays grey; the turn is Rodrigues' rotation around (1, 1, 1). With L the matrix whose
    rows are luma's weights, T the turn and s the saturation: T·(s·I + (1 - s)·L) = s·T + (1 - s)·L,
    because T leaves grey alone.
    """
    cos, across = math.cos(hue), math.sin(hue) / math.sqrt(3)
    third = (1 - cos) / 3
    turn = (
        (cos + third, third - across, third + across),
        (third + across, cos + third, third - across),
        (third - across, third + across, cos + third),
    )
    rest = 1 - saturation
    return np.array(
        [[saturation * t + rest * y for t, y in zip(row, _LUMA, strict=True)] for row in turn],
        np.float32,
    )


def tone_table(gain: float, gamma: float, contrast: float) -> NDArray[np.uint8]:
    """Returns 256 grey levels: contrast around mid-grey, then gamma, then brightness."""
    level = (_LEVELS * contrast + (0.5 - 0.5 * contrast)).clip(0, 1) ** gamma
    # The half rounds: a byte is cut off, and what is negative was cut before.
    return np.asarray((level * (255 * gain) + 0.5).clip(0, 255), dtype=np.uint8)
