"""What the pixels of a picture are called in every room, and their luma."""

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W, 3) RGB, as decoded."""

Grey: TypeAlias = NDArray[np.uint8]
"""uint8 (H, W) luma."""

Planes: TypeAlias = NDArray[np.float32]
"""float32 (h, w, 3) RGB in [0, 1], as a network takes it."""

Picture: TypeAlias = str | Path | bytes | Pixels
"""A picture as a caller has it: a file's path, an encoded file's bytes, or decoded RGB."""


def luma(rgb: Pixels) -> Grey:
    """Returns the luma of uint8 (H, W, 3), as ITU-R BT.601 weighs the channels."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
