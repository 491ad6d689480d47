"""Encodes pictures as JPEG and PNG, and says which JPEG means the same to every decoder."""

import io
import struct

import cv2
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


def encode_png(rgb: Pixels) -> bytes:
    """Returns the bytes of an RGB PNG."""
    return cv2.imencode(".png", np.ascontiguousarray(rgb[..., ::-1]))[1].tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Returns a JPEG without EXIF with the orientation (1 to 8) that a camera notes in it."""
    tag = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + tag + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + jpeg[2:]


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
