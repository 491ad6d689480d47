"""How many pixels a picture has, from its header, before it is unpacked."""

import io

from PIL import Image

from fingerspell.images.stray_bytes import JPEG_START, has_long_header

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")


def pixel_count(data: bytes) -> int | None:
    """Returns width × height of an encoded picture; `None` where its header does not say,
    or would take long to read."""
    try:
        if data.startswith(JPEG_START) and has_long_header(data):
            return None
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # Broken headers make Pillow's readers raise nearly anything.
        return None
