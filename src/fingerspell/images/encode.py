"""Encodes pictures as JPEG, and says which JPEG means the same to every decoder."""

import io

import numpy as np
import simplejpeg
from PIL import Image

from fingerspell.images.decode import decode, exif_orientation
from fingerspell.images.pixels import Pixels


def encode_jpeg(rgb: Pixels, quality: int = 90) -> bytes:
    """Returns baseline JPEG bytes with chroma at half resolution (4:2:0), as cameras write it."""
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(rgb), quality=quality, colorspace="RGB", colorsubsampling="420"
    )
    return data


def as_plain_jpeg(data: bytes) -> bytes:
    """Returns JPEG bytes that mean the same to every decoder.

    A graph ignores EXIF orientation and reads no format but JPEG: such a picture is
    decoded, turned upright and written again. Raises `PictureError` for what is no picture.
    """
    return data if _is_plain(data) else encode_jpeg(decode(data), quality=95)


def _is_plain(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            return picture.mode in ("RGB", "L") and exif_orientation(picture) == 1
    except OSError:
        return False
