"""Decodes any usual picture file to uint8 RGB, upright, within limits of size.

JPEG goes through libjpeg-turbo (accurate DCT, smooth chroma upsampling): the same pixels as
`tf.io.decode_jpeg(dct_method="INTEGER_ACCURATE")`. Everything else goes through Pillow. What a
file is called never matters, only its bytes.

What is wrong beside the pixels is passed over. Cameras write bytes that belong to nothing between
the segments of a JPEG's header, and in front of its restart and end markers. A flipped bit in the
pixels leaves bytes over in the same way, so a JPEG without them must decode without a complaint. A
PNG's checksum says which part is damaged: one known not to hold pixels is left out, as libpng does.
"""

import importlib
import io
import re
import threading
import warnings
import zlib
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from fingerspell.errors import PictureError
from fingerspell.images.pixels import Pixels
from fingerspell.images.stray_bytes import (
    JPEG_START,
    MOST_SEGMENTS,
    MOST_STRAY_HEADER_BYTES,
    SCAN,
    has_long_header,
    is_progressive,
    jpeg_pixels,
    parts,
    without_stray_bytes,
)
from fingerspell.install import pip

MAX_BYTES = 96 * 1024 * 1024
"""Longest file that is decoded: a JPEG of 200 megapixels may have 70 MB."""

MAX_PIXELS = 52_000_000
"""Most pixels that are unpacked; a small file may claim far more (a decompression bomb). Phones
sell 8192×6144 pixels as 50 megapixels."""

MAX_SIDE_PX = 65_535
"""Longest side, JPEG's own limit: a strip of 50 million pixels takes seconds for nothing."""

MAX_SCANS = 40
"""Most scans of a JPEG. Encoders write up to some twenty; each goes over the whole picture, so that
thousands in a few hundred kilobytes would take hours."""

MAX_REPAIR = 10**9
"""Pixels, times scans, that looking for stray bytes in a JPEG may unpack: some ten seconds."""

_JPEG_TIMES = 4
"""How many times as many a JPEG may have, unpacked at half its size: phones sell 16320×12240."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_ORIENTATION_TAG = 0x0112
_EXIF_MARK = b"Exif\x00\x00"
_HEADER_BYTES = 128 * 1024

_BRANDS = {
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    "AVIF": (b"avif", b"avis"),
}
_PICTURES_OF_SOME_KIND = (b"mif1", b"msf1")
_LONGEST_BRANDS_BYTES = 256
_USUAL = "a whole JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC picture"
_NO_MEMORY = "a picture that does not fit into memory"
SAVE_AGAIN = "open it in a picture viewer and save it again as JPEG, or leave it out"
_DAMAGED_JPEG = re.compile(r"Corrupt JPEG data|Premature end")

_PNG_START = b"\x89PNG\r\n\x1a\n"
_NOTES = (
    b"acTL bKGD cHRM cICP cLLI caBX eXIf fcTL fdAT gAMA hIST iCCP iTXt mDCV oFFs pCAL pHYs sBIT "
    b"sCAL sPLT sRGB sTER tEXt tIME zTXt"
).split()
"""PNG chunks that hold no pixel of the picture. `tRNS` is not among them: it holds transparency."""

_BIG_PIXELS = 8_000_000
"""Above this, pictures that go through Pillow are unpacked one at a time: 50 million pixels of
WebP take 800 MB for a moment, and every thread may meet one."""

_one_big_picture = threading.Lock()

_STRIP_PIXELS = 2**22
"""Pixels that are converted at a time: 50 million at once would take a gigabyte."""

# What Pillow finds odd about a file is no message for whoever has 87,000 of them.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Glance(NamedTuple):
    """A picture at a reduced size, upright; `width` and `height` are those of the whole one."""

    rgb: Pixels
    width: int
    height: int


def decode(data: bytes, most_pixels: int = MAX_PIXELS, most_repair: int = MAX_REPAIR) -> Pixels:
    """Returns uint8 (H, W, 3) RGB, turned upright by its EXIF tag.

    Grey becomes three equal channels, 16-bit grey keeps its upper 8 bits, transparency is laid
    on black (as padding is, and as a browser's canvas saves JPEG), an animation gives its first
    frame. Raises `PictureError` for anything empty, cut off, too large or not a picture; a JPEG of
    more than `most_pixels` comes at a part of its size, up to four times as many. `most_repair`
    pixels, times scans, are unpacked in search of stray bytes in a JPEG, but one try is made.
    """
    return glance(data, MAX_PIXELS, most_pixels, most_repair).rgb


def glance(
    data: bytes,
    side_px: int,
    most_pixels: int = MAX_PIXELS,
    most_repair: int = MAX_REPAIR,
) -> Glance:
    """Decodes at a reduced size, and refuses exactly the files that `decode` refuses.

    A JPEG is unpacked at a half, 3/8, a quarter or an eighth of its size where both sides keep
    `side_px`: every coefficient is read all the same, so that damage shows, but fewer pixels are
    made of them. Anything else comes in full size.
    """
    if not data:
        raise _unusable("an empty file (0 bytes)")
    _check_bytes(len(data))
    if (
        data.startswith(JPEG_START)
        and (small := _decode_jpeg(data, side_px, most_pixels, most_repair)) is not None
    ):
        rgb, width, height = small
        turn = _jpeg_orientation(data)
        return Glance(_upright(rgb, turn), *((height, width) if turn >= 5 else (width, height)))
    if data.startswith(_PNG_START):
        data, damaged = _without_damaged_notes(data)
        if damaged:
            raise _unusable(f"a damaged picture (wrong checksum of its {damaged} part)")
    kind = _container_kind(data)
    formats = container_formats(kind) if kind else _FORMATS
    if not formats:
        raise _missing(kind)
    rgb = _decode_other(data, formats, most_pixels)
    return Glance(rgb, rgb.shape[1], rgb.shape[0])


def read(path: Path) -> Pixels:
    """Decodes a file; the error names it. Raises `PictureError` also where it cannot be read."""
    try:
        _check_bytes(path.stat().st_size)  # Do not pull gigabytes into memory to refuse them.
        return decode(path.read_bytes())
    except OSError as error:
        raise _unusable(
            f"{path}: {error.strerror or error}", "a readable file", "check path and permissions"
        ) from error
    except PictureError as error:
        raise PictureError(
            found=f"{path}: {error.found}", expected=error.expected, fix=error.fix
        ) from error


def exif_orientation(image: Image.Image) -> int:
    """Returns 1–8 as EXIF defines them; 1 (upright) where the tag is missing or unreadable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # Broken EXIF in a sound picture raises nearly anything; the pixels count.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _container_kind(data: bytes) -> str:
    """Returns `HEIC`, `AVIF`, `film` for any other container, or nothing for another file.

    Phones also write the brand `mif1`, a picture of some kind: then the first compatible brand
    that is known says which; HEIC where none does.
    """
    if data[4:8] != b"ftyp":
        return ""
    end = min(int.from_bytes(data[:4], "big"), _LONGEST_BRANDS_BYTES)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
    general = brands[0] in _PICTURES_OF_SOME_KIND
    for brand in brands if general else brands[:1]:
        for kind, own in _BRANDS.items():
            if brand in own:
                return kind
    return "HEIC" if general else "film"


@cache
def container_formats(kind: str) -> tuple[str, ...]:
    """Returns the names under which Pillow opens a kind; empty where what it takes is missing."""
    if kind == "AVIF":
        return ("AVIF",) if _has_avif() else ()
    return ("HEIF",) if kind == "HEIC" and _register_heif() else ()


def _missing(kind: str) -> PictureError:
    """Says what a container is that cannot be opened here, and how to open it."""
    if kind == "HEIC":
        found = "a HEIC picture, and the plug-in that reads it, pillow-heif, is missing"
        return _unusable(found, fix=pip("install", "pillow-heif"))
    if kind == "AVIF":
        found = "an AVIF picture, and this Pillow reads none"
        return _unusable(found, fix=pip("install", "--upgrade", "pillow"))
    return _unusable("a film or another file in a film's container")


def _has_avif() -> bool:
    from PIL import features

    Image.init()
    return "AVIF" in Image.OPEN and bool(features.check("avif"))


def _register_heif() -> bool:
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError:
        return False
    # One thread a picture: `prepare` and the server open several pictures at once by themselves.
    heif.register_heif_opener(
        thumbnails=False, depth_images=False, aux_images=False, decode_threads=1
    )
    return True


def _decode_jpeg(data: bytes, side_px: int, most_pixels: int, most_repair: int) -> Glance | None:
    """libjpeg-turbo's pixels, or None where only Pillow can say more (an odd or broken header).

    Raises `PictureError` where the picture data is damaged: Pillow would return a picture whose
    rest is grey or shifted.
    """
    _check_scans(data)
    if has_long_header(data):
        raise _unusable(
            "a JPEG whose header is longer than any camera's",
            f"at most {MOST_SEGMENTS:,} segments before the first scan, and "
            f"{MOST_STRAY_HEADER_BYTES:,} bytes between them",
        )
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    sides_px = _unpacked_sides(data, height, width, side_px, most_pixels)
    try:
        return Glance(jpeg_pixels(data, sides_px), width, height)
    except ValueError as error:
        if not _DAMAGED_JPEG.search(str(error)):
            return None
        tries = max(1, most_repair // (height * width * data.count(SCAN)))
        rgb = without_stray_bytes(data, sides_px, tries)
        if rgb is None:
            raise _unusable(f"a damaged picture ({error})") from error
        return Glance(rgb, width, height)
    except MemoryError as error:
        raise _unusable(_NO_MEMORY) from error


def _unpacked_sides(
    data: bytes, height: int, width: int, side_px: int, most_pixels: int
) -> tuple[int, int]:
    """Returns the least height and width in which a JPEG is unpacked.

    Above `most_pixels` they are half its own; a progressive picture is held in full size whatever
    the scale. Raises `PictureError` beyond the limits.
    """
    if height * width <= most_pixels:
        _check_size(height, width, most_pixels)
        return min(side_px, height), min(side_px, width)
    _check_size(height, width, most_pixels * (1 if is_progressive(data) else _JPEG_TIMES))
    return min(side_px, height // 2), min(side_px, width // 2)


def _check_scans(data: bytes) -> None:
    """Raises `PictureError` for a JPEG of too many scans; previews in its header do not count."""
    if (count := data.count(SCAN)) > MAX_SCANS:
        count -= parts(data)[0].count(SCAN)
    if count > MAX_SCANS:
        raise _unusable(f"a JPEG of {count:,} scans", f"at most {MAX_SCANS}")


def _jpeg_orientation(data: bytes) -> int:
    """Returns the orientation of JPEG bytes; costs nothing where there is no EXIF block."""
    if _EXIF_MARK not in data[:_HEADER_BYTES]:
        return 1
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return exif_orientation(image)
    except Exception:  # simplejpeg decoded it: what Pillow thinks of the header is no obstacle.
        return 1


def _without_damaged_notes(data: bytes) -> tuple[bytes, str]:
    """Returns a PNG without the notes whose CRC-32 is wrong, and the name of what else is damaged.

    A flipped bit in the pixels would otherwise pass as a picture with other pixels. What is cut
    off is no matter here: decoding finds that out.
    """
    view = memoryview(data)
    kept, start = [], 0
    at, name = len(_PNG_START), b""
    while at + 12 <= len(data) and name != b"IEND":
        name = bytes(view[at + 4 : at + 8])
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        if end + 4 > len(data):
            break
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            if name not in _NOTES:
                return data, name.decode("latin-1")
            kept.append(view[start:at])
            start = end + 4
        at = end + 4
    return (b"".join([*kept, view[start:]]) if kept else data), ""


def _upright(rgb: Pixels, orientation: int) -> Pixels:
    """Rotates (H, W, 3) pixels by an EXIF orientation; 5–8 exchange height and width."""
    if orientation == 1:
        return rgb
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)


def _decode_other(data: bytes, formats: tuple[str, ...], most_pixels: int) -> Pixels:
    """Pillow's pixels of any of `formats`."""
    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            _check_size(image.height, image.width, most_pixels)
            big = image.height * image.width > _BIG_PIXELS
            with _one_big_picture if big else nullcontext():
                rgb = _rgb(image, most_pixels)
                # Asked for only now: Pillow turns a TIFF itself as it unpacks it, and says so.
                return _upright(rgb, exif_orientation(image))
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(str(error), most_pixels) from error
    except UnidentifiedImageError as error:
        fix = "git lfs pull, in the clone" if data.startswith(_LFS_POINTER) else SAVE_AGAIN
        raise _unusable(_what_it_is(data), fix=fix) from error
    except MemoryError as error:
        raise _unusable(_NO_MEMORY) from error
    except Exception as error:  # Damaged files make Pillow's readers raise nearly anything.
        raise _unusable(f"a damaged picture ({error})") from error


def _rgb(image: Image.Image, most_pixels: int) -> Pixels:
    """Unpacks an opened picture of any mode, some rows at a time."""
    if image.mode in ("I", "F"):
        raise _unusable(f"a 32-bit grey picture (mode {image.mode})", "8 or 16 bits a channel")
    image.load()
    _check_size(image.height, image.width, most_pixels)  # HEIC knows its size for certain only now.
    if image.format == "BMP" and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        image = image.convert("RGB")  # A fourth byte that no program filled, and no alpha.
    rgb = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        rgb[top:bottom] = _rgb_strip(image.crop((0, top, image.width, bottom)))
    return rgb


def _rgb_strip(image: Image.Image) -> Pixels:
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        black = Image.new("RGBA", coloured.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, coloured)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


def _check_bytes(count: int) -> None:
    if count > MAX_BYTES:
        raise _unusable(f"{count:,} bytes", f"at most {MAX_BYTES:,} bytes", "shrink it first")


def _check_size(height: int, width: int, most: int) -> None:
    if height < 1 or width < 1:
        raise _unusable(f"a picture of {width}×{height} pixels", "at least 1×1 pixel")
    if max(height, width) > MAX_SIDE_PX:
        raise _unusable(f"a picture of {width}×{height} pixels", f"sides up to {MAX_SIDE_PX:,}")
    if height * width > most:
        raise _too_many_pixels(f"a picture of {width}×{height} = {height * width:,} pixels", most)


def _too_many_pixels(found: str, most: int) -> PictureError:
    return _unusable(found, f"at most {most:,} pixels", "shrink the picture first")


def _what_it_is(data: bytes) -> str:
    """Returns what a file is that is no picture."""
    if data[:1] == b"<" or data[:5].lower() == b"<?xml":
        return "a text file (HTML, XML or SVG)"
    if data[:4] == b"%PDF":
        return "a PDF file"
    if data.startswith(_LFS_POINTER):
        return "a pointer of Git LFS and not the picture, which `git lfs pull` fetches"
    return f"{len(data):,} bytes that are no picture"


def _unusable(found: str, expected: str = _USUAL, fix: str = SAVE_AGAIN) -> PictureError:
    return PictureError(found=found, expected=expected, fix=fix)
