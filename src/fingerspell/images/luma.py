"""RGB to grey."""

from __future__ import annotations

import cv2
import numpy as np

from fingerspell.images.types import Grey, Pixels


def luma(rgb: Pixels) -> Grey:
    """Returns the luma of uint8 (H, W, 3), as ITU-R BT.601 weighs the channels."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
