"""Opens every picture once: is it whole, how large, what are its hashes, what light is it in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import cv2
import numpy as np

from fingerspell.dataset.quality import SIDE_PX, Quality, measure_with_luma
from fingerspell.errors import PictureError
from fingerspell.images import MAX_BYTES, Pixels, decode, encode_jpeg, glance, luma
from fingerspell.machine import reading_threads
from fingerspell.prepare.layouts.tables import TABLE_SIDE_PX, parse_row
from fingerspell.prepare.near_duplicates import dhash_of_luma
from fingerspell.prepare.records import Bad, Box, Record, Row
from fingerspell.progress import Progress

HAND_MARGIN = 1.5
"""A box is made square and this much wider.

Hand crops made with a tracker are cut at 1.5 times its box: the network then sees wrist and
finger tips with some room around them, which a tight box cuts off.
"""

CROP_QUALITY = 95


def content(found: Record) -> bytes:
    """Returns a picture file's bytes, the same each time.

    Raises `OSError` where the file cannot be read, `PictureError` where it holds no such part.
    """
    if found.part is None:
        return found.path.read_bytes()
    if isinstance(found.part, Row):
        return _row_png(found, found.part)
    return encode_jpeg(crop(decode(found.path.read_bytes()), found.part), CROP_QUALITY)


def crop(rgb: Pixels, box: Box) -> Pixels:
    """Cuts the square around a box, `HAND_MARGIN` times its longer side, out of (H, W, 3).

    At the edge of the picture less is cut, so that nothing is made up.
    """
    height, width = rgb.shape[:2]
    side = HAND_MARGIN * max((box.right - box.left) * width, (box.bottom - box.top) * height)
    top, bottom = _span((box.top + box.bottom) / 2 * height, side, height)
    left, right = _span((box.left + box.right) / 2 * width, side, width)
    return rgb[top:bottom, left:right]


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """Returns first and last-plus-one pixel of `side` around `middle`, at least one pixel."""
    first = min(max(round(middle - side / 2), 0), length - 1)
    return first, max(min(round(middle + side / 2), length), first + 1)


def _row_png(found: Record, row: Row) -> bytes:
    with found.path.open("rb") as file:
        file.seek(row.offset_bytes)
        text = file.read(row.length_bytes)
    try:
        _, pixels = parse_row(text)
    except ValueError as error:
        raise PictureError(
            found=f"a row of {found.path.name} that changed: {error}",
            expected="the table as it was when it was listed",
            fix="run prepare again",
        ) from error
    grey = np.frombuffer(pixels, np.uint8).reshape(TABLE_SIDE_PX, TABLE_SIDE_PX)
    return bytes(cv2.imencode(".png", grey)[1])


_CHUNK = 32
_LOOKED_AT_PX = 3 * SIDE_PX // 2
"""What both sides of a large picture keep: enough for the hash and for the sharpness."""

_UNMEASURED = Quality()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that decoded: upright size in pixels, SHA-256 of the bytes, dHash of the pixels."""

    file: Record
    sha256: str
    dhash: str
    width: int
    height: int
    quality: Quality = _UNMEASURED


def examine(files: Sequence[Record]) -> tuple[list[Picture], list[Bad]]:
    """Decodes every picture fully and returns the good and the bad ones, both in order.

    Works on all cores. Threads suffice: reading, decoding and hashing release Python's lock, and
    they start at once on every system. Ctrl-C waits for the pictures in hand only.
    """
    cv2.setNumThreads(1)
    chunks = [files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]
    results: list[Picture | Bad] = []
    stop = Event()
    pool = ThreadPoolExecutor(reading_threads())
    try:
        with Progress(len(files), "checking") as progress:
            for part in pool.map(lambda chunk: _examine_all(chunk, stop), chunks):
                results += part
                progress.advance(len(part))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    pictures = [result for result in results if isinstance(result, Picture)]
    return pictures, [result for result in results if isinstance(result, Bad)]


def examine_one(file: Record) -> Picture | Bad:
    """Reads and decodes one picture; never raises for what the file holds."""
    try:
        if file.size_bytes > MAX_BYTES and not isinstance(file.part, Row):
            return Bad(file.path, f"{file.size_bytes:,} bytes; at most {MAX_BYTES:,}")
        data = content(file)
        rgb, width, height = glance(data, _LOOKED_AT_PX)
        grey = luma(rgb)
        sha256 = hashlib.sha256(data).hexdigest()
        quality = measure_with_luma(rgb, grey)
        return Picture(file, sha256, dhash_of_luma(grey), width, height, quality)
    except PictureError as error:
        return Bad(file.path, error.found)
    except OSError as error:
        return Bad(file.path, f"cannot be read ({error.strerror or error})")
    except MemoryError:
        return Bad(file.path, "does not fit into memory")
    except Exception as error:  # One odd picture must not cost the other 86,999.
        return Bad(file.path, f"cannot be examined ({error})")


def _examine_all(files: Sequence[Record], stop: Event) -> list[Picture | Bad]:
    return [examine_one(file) for file in files if not stop.is_set()]
