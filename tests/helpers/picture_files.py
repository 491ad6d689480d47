"""Pictures of every kind, saved or put together byte by byte."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """What Pillow writes."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


_LAID = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def lying(pixels: NDArray[np.uint8], orientation: int) -> Image.Image:
    """The picture as a camera stores it that writes this EXIF orientation beside."""
    image = Image.fromarray(pixels)
    return image.transpose(_LAID[orientation]) if orientation > 1 else image


def png_chunk(name: bytes, body: bytes) -> bytes:
    """One part of a PNG file with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(size: tuple[int, int], depth: int, colours: int, rows: bytes, *chunks: bytes) -> bytes:
    """A PNG of (width, height); `colours` is 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA."""
    header = struct.pack(">IIBBBBB", *size, depth, colours, 0, 0, 0)
    parts = [
        png_chunk(b"IHDR", header),
        *chunks,
        png_chunk(b"IDAT", zlib.compress(rows, 9)),
        png_chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(tags: dict[int, tuple[int, int, int]], pixels: bytes = b"") -> bytes:
    """A TIFF of one page: tag → (type, count, value); the pixels lie behind the tags."""
    body = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, (kind, count, value) in sorted(tags.items()):
        body += struct.pack("<HHII", tag, kind, count, value)
    return body + bytes(4) + pixels
