"""The bytes of one found picture: its file, a box cut out of it, or a row made into a picture."""

from __future__ import annotations

import cv2
import numpy as np

from fingerspell.data.found import Box, Found, Row
from fingerspell.data.layouts.tables import SIDE_PX, parse_row
from fingerspell.errors import PictureError
from fingerspell.images import Pixels, decode, encode_jpeg

HAND_MARGIN = 1.5
"""A box is made square and this much wider.

Hand crops made with a tracker are cut at 1.5 times its box: the network then sees wrist and
finger tips with some room around them, which a tight box cuts off.
"""

CROP_QUALITY = 95


def content(found: Found) -> bytes:
    """Returns a picture file's bytes, the same each time.

    Raises `OSError` where the file cannot be read, `PictureError` where it holds no such part.
    """
    if found.part is None:
        return found.path.read_bytes()
    if isinstance(found.part, Row):
        return _row_png(found, found.part)
    return encode_jpeg(crop(decode(found.path.read_bytes()), found.part), CROP_QUALITY)


def crop(rgb: Pixels, box: Box) -> Pixels:
    """Cuts the square around a box, `HAND_MARGIN` times its longer side, out of (H, W, 3).

    At the edge of the picture less is cut, so that nothing is made up.
    """
    height, width = rgb.shape[:2]
    side = HAND_MARGIN * max((box.right - box.left) * width, (box.bottom - box.top) * height)
    top, bottom = _span((box.top + box.bottom) / 2 * height, side, height)
    left, right = _span((box.left + box.right) / 2 * width, side, width)
    return rgb[top:bottom, left:right]


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """Returns first and last-plus-one pixel of `side` around `middle`, at least one pixel."""
    first = min(max(round(middle - side / 2), 0), length - 1)
    return first, max(min(round(middle + side / 2), length), first + 1)


def _row_png(found: Found, row: Row) -> bytes:
    with found.path.open("rb") as file:
        file.seek(row.offset_bytes)
        text = file.read(row.length_bytes)
    try:
        _, pixels = parse_row(text)
    except ValueError as error:
        raise PictureError(
            found=f"a row of {found.path.name} that changed: {error}",
            expected="the table as it was when it was listed",
            fix="run prepare again",
        ) from error
    grey = np.frombuffer(pixels, np.uint8).reshape(SIDE_PX, SIDE_PX)
    return bytes(cv2.imencode(".png", grey)[1])
