"""Decoding, encoding and resizing of pictures: no other package does it."""

from fingerspell.images.decode import (
    MAX_BYTES,
    MAX_PIXELS,
    Glance,
    Grey,
    Picture,
    Pixels,
    Planes,
    decode,
    encode_jpeg,
    glance,
    luma,
    read,
)
from fingerspell.images.fit import fit, load

__all__ = [
    "MAX_BYTES", "MAX_PIXELS", "Glance", "Grey", "Picture", "Pixels", "Planes", "decode",
    "encode_jpeg", "fit", "glance", "load", "luma", "read",
]  # fmt: skip
