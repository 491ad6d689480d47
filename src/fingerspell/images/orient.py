"""The EXIF orientation tag: phones store pictures lying down and note how to turn them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from fingerspell.images.types import Pixels

ORIENTATION_TAG = 0x0112
_EXIF_MARK = b"Exif\x00\x00"
_HEADER_BYTES = 128 * 1024


def exif_orientation(image: Image.Image) -> int:
    """Returns 1–8 as EXIF defines them; 1 (upright) where the tag is missing or unreadable."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # Broken EXIF in a sound picture raises nearly anything; the pixels count.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def jpeg_orientation(data: bytes) -> int:
    """Returns the orientation of JPEG bytes; costs nothing where there is no EXIF block."""
    if _EXIF_MARK not in data[:_HEADER_BYTES]:
        return 1
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return exif_orientation(image)
    except Exception:  # simplejpeg decoded it: what Pillow thinks of the header is no obstacle.
        return 1


def upright(rgb: Pixels, orientation: int) -> Pixels:
    """Turns (H, W, 3) pixels as the orientation tag asks; 5–8 exchange height and width."""
    if orientation == 1:
        return rgb
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
