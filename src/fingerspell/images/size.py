"""How many pixels a picture has, from its header, before it is unpacked."""

import io
from contextlib import suppress

import simplejpeg
from PIL import Image

from fingerspell.images.stray_bytes import JPEG_START, has_long_header

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")


def pixel_count(data: bytes) -> int | None:
    """Returns width × height of an encoded picture; `None` where its header does not say,
    or would take long to read."""
    try:
        if data.startswith(JPEG_START):
            if has_long_header(data):
                return None
            with suppress(ValueError):  # An odd header, of which Pillow may know more.
                height, width, *_ = simplejpeg.decode_jpeg_header(data)
                return int(height * width)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # Broken headers make Pillow's readers raise nearly anything.
        return None
