"""JPEG bytes that every decoder reads alike, also one inside an exported graph."""

from __future__ import annotations

import io

from PIL import Image

from fingerspell.images.decode import decode
from fingerspell.images.encode import encode_jpeg
from fingerspell.images.orient import exif_orientation

_PLAIN = ("RGB", "L")


def as_plain_jpeg(data: bytes) -> bytes:
    """Returns JPEG bytes that mean the same to every decoder.

    A graph looks neither at EXIF orientation nor at formats other than JPEG: such a picture is
    decoded, turned upright and written again. Raises `PictureError` for what is no picture.
    """
    return data if _is_plain(data) else encode_jpeg(decode(data), quality=95)


def _is_plain(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            return picture.mode in _PLAIN and exif_orientation(picture) == 1
    except OSError:
        return False
