"""Small files that claim to be huge are refused before they fill the memory."""

import contextlib
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import decode, encode_jpeg
from helpers.picture_files import png, png_chunk, saved, tiff

SIDE = 60_000


def gif(screen: tuple[int, int], frame: tuple[int, int]) -> bytes:
    head = b"GIF89a" + struct.pack("<HH", *screen) + b"\x80\0\0" + bytes(6)
    return head + b"," + struct.pack("<HHHH", 0, 0, *frame) + b"\0\x02\x02\x4c\x01\0;"


def webp(side: int) -> bytes:
    data = bytearray(saved(Image.new("RGB", (4, 4)), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    rest = int.from_bytes(data[at : at + 4], "little") >> 28 << 28
    data[at : at + 4] = (rest | (side - 1) << 14 | (side - 1)).to_bytes(4, "little")
    return bytes(data)


def bmp(side: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def big_tiff(**other: tuple[int, int, int]) -> bytes:
    tags = {256: (4, 1, SIDE), 257: (4, 1, SIDE), 258: (3, 1, 8), 259: (3, 1, 1)}
    tags |= {262: (3, 1, 1), 273: (4, 1, 200), 278: (4, 1, SIDE), 279: (4, 1, 100)}
    return tiff(tags | {int(tag[1:]): value for tag, value in other.items()})


def jpeg(side: int) -> bytes:
    data = bytearray(encode_jpeg(np.zeros((8, 16, 3), np.uint8)))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", side, side)
    return bytes(data)


BOMBS = {
    "jpeg": jpeg(SIDE),
    **{f"png of {n:,}": png((n, n), 8, 2, bytes(64)) for n in (7_300, 10_000, 40_000, SIDE)},
    "gif screen": gif((65_535, 65_535), (65_535, 65_535)),
    "gif frame larger than its screen": gif((2, 2), (65_535, 65_535)),
    "webp": webp(16_384),
    "bmp": bmp(SIDE),
    "tiff": big_tiff(),
}


@contextlib.contextmanager
def refused_in_little_memory(said: str) -> Iterator[None]:
    tracemalloc.start()
    with pytest.raises(PictureError, match=said):
        yield
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_claims_gigapixels_is_refused_before_it_unpacks(name: str) -> None:
    assert len(BOMBS[name]) < 1000
    with refused_in_little_memory("(at most (52|208),000,000 pixels|sides up to 65,535)"):
        decode(BOMBS[name])


@pytest.mark.parametrize("chunk", [b"zTXt", b"iTXt", b"iCCP"])
def test_packed_text_that_unpacks_to_gigabytes_is_not_unpacked(chunk: bytes) -> None:
    packed = zlib.compress(bytes(20_000_000), 9)
    head = b"k\0\1\0\0\0" if chunk == b"iTXt" else b"k\0\0"
    data = png((2, 1), 8, 2, bytes(7), png_chunk(chunk, head + packed))
    with refused_in_little_memory("too large"):
        decode(data)


def test_more_packed_pixels_than_the_size_needs_are_left_packed() -> None:
    assert decode(png((2, 1), 8, 2, bytes(20_000_000))).shape == (1, 2, 3)


def test_a_tiff_with_absurd_counts_is_refused() -> None:
    for tags in ({"t258": (3, 0xFFFF_FFFF, 8)}, {"t273": (4, 0x0FFF_FFFF, 8)}):
        with pytest.raises(PictureError):
            decode(big_tiff(t256=(4, 1, 10), t257=(4, 1, 10), **tags))


def flat_jpeg(width: int, height: int) -> bytes:
    """A grey JPEG, put together out of one row of blocks again and again."""
    data = bytearray(saved(Image.new("L", (width, 16), 90), "JPEG", restart_marker_rows=1))
    struct.pack_into(">H", data, data.index(b"\xff\xc0") + 5, height)
    start = data.index(b"\xff\xda") + 10
    row = data[start : data.index(b"\xff\xd0", start)]
    more = (b"\xff%c%b" % (0xD0 + n % 8, row) for n in range(height // 8 - 1))
    return bytes(data[:start] + row) + b"".join(more) + b"\xff\xd9"


MEASURED = """
import resource, sys
from pathlib import Path
from fingerspell.images import read
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rgb = read(Path(sys.argv[1]))
peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(*rgb.shape, rgb.min(), rgb.max(), peak_kb)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory in kB as Linux tells it")
def test_a_picture_of_200_megapixels_is_read_in_the_memory_of_50(tmp_path: Path) -> None:
    (tmp_path / "phone.jpg").write_bytes(flat_jpeg(16_320, 12_240))
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "phone.jpg")]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    *seen, peak_kb = map(int, told.split())
    assert seen == [6120, 8160, 3, 90, 90]
    assert peak_kb < 250_000, "3 bytes a pixel would be 600 MB"


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = saved(Image.new("L", (640, 480), 90), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * (count - data.count(b"\xff\xda")) + data[-2:]


def test_a_jpeg_of_thousands_of_scans_is_refused_before_they_are_unpacked() -> None:
    assert decode(scans(40)).shape == (480, 640, 3)
    for count in (41, 20_000):
        with refused_in_little_memory(f"a JPEG of {count:,} scans"):
            decode(scans(count))


def test_previews_in_its_header_are_no_scans_of_a_jpeg() -> None:
    preview = b"\xff\xda" * 5000
    note = b"\xff\xe2" + struct.pack(">H", len(preview) + 2) + preview
    data = encode_jpeg(np.zeros((8, 16, 3), np.uint8))
    assert decode(data[:2] + note + data[2:]).shape == (8, 16, 3)


@pytest.mark.parametrize("size", [(70_000, 1), (1, 70_000)])
def test_a_strip_beyond_any_use_is_refused_before_it_unpacks(size) -> None:
    with refused_in_little_memory("sides up to 65,535"):
        decode(png(size, 8, 2, bytes(64)))
