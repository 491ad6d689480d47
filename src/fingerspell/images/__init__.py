"""Decoding, encoding and resizing of pictures: no other package does it."""

from fingerspell.images.decode import (
    MAX_BYTES,
    MAX_PIXELS,
    Glance,
    decode,
    glance,
    read,
)
from fingerspell.images.encode import encode_jpeg
from fingerspell.images.fit import fit, load
from fingerspell.images.pixels import Grey, Picture, Pixels, Planes, luma
from fingerspell.images.size import pixel_count

__all__ = [
    "MAX_BYTES", "MAX_PIXELS", "Glance", "Grey", "Picture", "Pixels", "Planes", "decode",
    "encode_jpeg", "fit", "glance", "load", "luma", "pixel_count", "read",
]  # fmt: skip
