"""Any usual picture file to uint8 RGB, upright, within limits.

JPEG goes through libjpeg-turbo (accurate DCT, smooth chroma upsampling): the same pixels as
`tf.io.decode_jpeg(dct_method="INTEGER_ACCURATE")`. Everything else goes through Pillow. What a
file is called never matters, only its bytes.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from fingerspell.errors import PictureError
from fingerspell.images.orient import exif_orientation, jpeg_orientation, upright
from fingerspell.images.types import Pixels

MAX_BYTES = 64 * 1024 * 1024
"""Longest file that is looked at."""

MAX_PIXELS = 50_000_000
"""Most pixels that are unpacked; a small file may claim far more (a decompression bomb)."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_JPEG_START = b"\xff\xd8\xff"
_USUAL = "a whole JPEG, PNG, WebP, BMP, GIF or TIFF picture"
_SAVE_AGAIN = "open it in a picture viewer and save it again as JPEG, or leave it out"


def decode(data: bytes) -> Pixels:
    """Returns uint8 (H, W, 3) RGB, turned upright by its EXIF tag.

    Grey becomes three equal channels, 16-bit grey keeps its upper 8 bits, transparency is laid
    on black (as padding is, and as a browser's canvas saves JPEG), an animation gives its first
    frame. Raises `PictureError` for anything empty, cut off, too large or not a picture.
    """
    if not data:
        raise _unusable("an empty file (0 bytes)")
    if len(data) > MAX_BYTES:
        raise _unusable(
            f"{len(data):,} bytes", f"at most {MAX_BYTES:,} bytes", "shrink the picture first"
        )
    if data.startswith(_JPEG_START):
        rgb = _decode_jpeg(data)
        if rgb is not None:
            return upright(rgb, jpeg_orientation(data))
    return _decode_other(data)


def read(path: Path) -> Pixels:
    """Decodes a file; the error names it. Raises `PictureError` also where it cannot be read."""
    try:
        if path.stat().st_size > MAX_BYTES:  # Do not pull gigabytes into memory to refuse them.
            raise _unusable(
                f"{path.stat().st_size:,} bytes", f"at most {MAX_BYTES:,} bytes", "shrink it first"
            )
        return decode(path.read_bytes())
    except OSError as error:
        raise _unusable(
            f"{path}: {error.strerror or error}", "a readable file", "check path and permissions"
        ) from error
    except PictureError as error:
        raise PictureError(
            found=f"{path}: {error.found}", expected=error.expected, fix=error.fix
        ) from error


def _decode_jpeg(data: bytes) -> Pixels | None:
    """libjpeg-turbo's pixels, or None where only Pillow can say more (CMYK, damaged data)."""
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    _check_size(height, width)
    try:
        rgb: Pixels = simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False)
    except ValueError:
        return None
    return rgb


def _decode_other(data: bytes) -> Pixels:
    """Pillow's pixels of any format in `FORMATS`."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_size(image.height, image.width)
            orientation = exif_orientation(image)
            return upright(_rgb(image), orientation)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(str(error)) from error
    except UnidentifiedImageError as error:
        raise _unusable(_what_it_is(data)) from error
    except MemoryError as error:
        raise _unusable("a picture that does not fit into memory") from error
    except Exception as error:  # Damaged files make Pillow's readers raise nearly anything.
        raise _unusable(f"a damaged picture ({error})") from error


def _rgb(image: Image.Image) -> Pixels:
    """Unpacks an opened picture of any mode."""
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))
    if image.mode in ("I", "F"):
        raise _unusable(f"a 32-bit grey picture (mode {image.mode})", "8 or 16 bits a channel")
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        black = Image.new("RGBA", coloured.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, coloured)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise _unusable(f"a picture of {width}×{height} pixels", "at least 1×1 pixel")
    if height * width > MAX_PIXELS:
        raise _too_many_pixels(f"a picture of {width}×{height} = {height * width:,} pixels")


def _too_many_pixels(found: str) -> PictureError:
    return _unusable(found, f"at most {MAX_PIXELS:,} pixels", "shrink the picture first")


def _what_it_is(data: bytes) -> str:
    """Names the usual things that are taken for pictures."""
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    if data[:1] == b"<" or data[:5].lower() == b"<?xml":
        return "a text file (HTML, XML or SVG)"
    if data[:4] == b"%PDF":
        return "a PDF file"
    return f"{len(data):,} bytes that are no picture"


def _unusable(found: str, expected: str = _USUAL, fix: str = _SAVE_AGAIN) -> PictureError:
    return PictureError(found=found, expected=expected, fix=fix)
