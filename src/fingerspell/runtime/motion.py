"""How much a picture changed since the one before: what tells a moving hand from a held one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.images import Pixels

Thumbnail = NDArray[np.float32]
"""float32 (40, 40) grey levels from 0 to 255."""

_SIDE_PX = 40
"""Small: grain averages out, and a server keeps one for every session."""

_FLAT = 1.0
"""The least spread, in grey levels: noise on a blank wall is no motion."""


def thumbnail(rgb: Pixels) -> Thumbnail:
    """Returns a picture, uint8 (H, W, 3) RGB, as a small grey one."""
    small = cv2.resize(rgb, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small.mean(axis=2, dtype=np.float32), np.float32)


def motion(before: Thumbnail | None, now: Thumbnail) -> float | None:
    """Returns the mean absolute change in standard deviations of `now`; `None` without `before`."""
    if before is None:
        return None
    return float(np.abs(now - before).mean() / max(float(now.std()), _FLAT))
