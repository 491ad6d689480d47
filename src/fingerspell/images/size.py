"""How many pixels a picture has, from its header, before it is unpacked."""

import io

from PIL import Image

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF", "HEIF")


def pixel_count(data: bytes) -> int | None:
    """Returns width × height of an encoded picture; `None` where its header does not say."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # Broken headers make Pillow's readers raise nearly anything.
        return None
