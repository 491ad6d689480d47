"""Pads and resizes a picture to the input size of a network; never squeezes it."""

from pathlib import Path

import cv2
import numpy as np

from fingerspell.errors import PictureError
from fingerspell.images.decode import MAX_PIXELS, decode, read
from fingerspell.images.pixels import Pixels, Planes

_MAX_PADDED_PIXELS = 2 * MAX_PIXELS
"""Most pixels after padding: a 50,000×1,000 strip would otherwise become 2.5 gigapixels."""

_WHOLE_PIXELS = 4_000_000
"""Most pixels, padding included, that are shrunk in one piece; larger pictures go in bands."""

_BAND_PIXELS = 1_000_000


def padded_size(height: int, width: int, size_px: tuple[int, int]) -> tuple[int, int]:
    """Returns the smallest (height, width) around a picture with the aspect ratio of `size_px`."""
    want_h, want_w = size_px
    if width * want_h >= height * want_w:
        return max(height, round(width * want_h / want_w)), width
    return height, max(width, round(height * want_w / want_h))


def _pad(rgb: Pixels, size_px: tuple[int, int]) -> Pixels:
    """Centres a picture on black of the aspect ratio of `size_px`; an odd pixel goes below/right.

    Raises `PictureError` for strips so long that padding them would fill the memory.
    """
    height, width = rgb.shape[:2]
    tall, wide = _checked_size(rgb, size_px)
    if (tall, wide) == (height, width):
        return rgb
    top, left = (tall - height) // 2, (wide - width) // 2
    canvas = np.zeros((tall, wide, 3), np.uint8)
    canvas[top : top + height, left : left + width] = rgb
    return canvas


def _checked_size(rgb: Pixels, size_px: tuple[int, int]) -> tuple[int, int]:
    height, width = rgb.shape[:2]
    tall, wide = padded_size(height, width, size_px)
    if tall * wide > _MAX_PADDED_PIXELS:
        raise PictureError(
            found=f"a strip of {width}×{height} pixels",
            expected=f"a picture that fits {_MAX_PADDED_PIXELS:,} pixels once padded",
            fix="cut it to the hand, or shrink it first",
        )
    return tall, wide


def fit(rgb: Pixels, size_px: tuple[int, int]) -> Planes:
    """Returns float32 (h, w, 3) in [0, 1]: padded, then resized in float32.

    Shrinking averages over areas (no aliasing), enlarging is bilinear, the right size is only
    divided by 255. Rounding to 8 bits in between would cost up to half a grey level a pixel.
    Pictures above `_WHOLE_PIXELS` take some 100 MB instead of a gigabyte, and come out alike but
    for the last bits of a float.
    """
    tall, wide = _checked_size(rgb, size_px)
    if tall * wide > _WHOLE_PIXELS and tall >= size_px[0] and wide >= size_px[1]:
        return _fit_in_bands(rgb, (tall, wide), size_px)
    planes = _pad(rgb, size_px).astype(np.float32) / np.float32(255)
    if planes.shape[:2] == tuple(size_px):
        return planes
    height, width = size_px
    shrinks = planes.shape[0] > height or planes.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(planes, (width, height), interpolation=how)
    # Averages of values in [0, 1] may leave it by one rounding step.
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def _fit_in_bands(rgb: Pixels, padded: tuple[int, int], size_px: tuple[int, int]) -> Planes:
    """Shrinks the width some rows at a time, then the height.

    An average over an area is the average of its rows' averages, so the order changes nothing.
    """
    (tall, wide), (height, width) = padded, size_px
    top, left = (tall - rgb.shape[0]) // 2, (wide - rgb.shape[1]) // 2
    narrow = np.zeros((tall, width, 3), np.float32)
    rows = max(1, _BAND_PIXELS // wide)
    for start in range(0, rgb.shape[0], rows):
        band = rgb[start : start + rows]
        planes = np.zeros((len(band), wide, 3), np.float32)
        planes[:, left : left + band.shape[1]] = band
        planes /= np.float32(255)
        shrunk = cv2.resize(planes, (width, len(band)), interpolation=cv2.INTER_AREA)
        narrow[top + start : top + start + len(band)] = shrunk
    resized = cv2.resize(narrow, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(resized, 0, 1), dtype=np.float32)


def load(source: bytes | Path, size_px: tuple[int, int]) -> Planes:
    """Decodes bytes or a file and fits it to `size_px` (height, width)."""
    return fit(decode(source) if isinstance(source, bytes) else read(source), size_px)
