"""Opens every picture once: is it whole, how large, what are its hashes, what light is it in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import cv2

from fingerspell.cores import reading_threads
from fingerspell.data.content import content
from fingerspell.data.found import Bad, Found, Row
from fingerspell.data.hashing import dhash_of_luma
from fingerspell.data.quality import SIDE_PX, Quality, measure_with_luma
from fingerspell.errors import PictureError
from fingerspell.images import MAX_BYTES, glance, luma
from fingerspell.progress import Progress

_CHUNK = 32
_LOOKED_AT_PX = 3 * SIDE_PX // 2
"""What both sides of a large picture keep: enough for the hash and for the sharpness."""

_UNMEASURED = Quality()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that decoded: upright size in pixels, SHA-256 of the bytes, dHash of the pixels."""

    file: Found
    sha256: str
    dhash: str
    width: int
    height: int
    quality: Quality = _UNMEASURED


def examine(files: Sequence[Found]) -> tuple[list[Picture], list[Bad]]:
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


def examine_one(file: Found) -> Picture | Bad:
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


def _examine_all(files: Sequence[Found], stop: Event) -> list[Picture | Bad]:
    return [examine_one(file) for file in files if not stop.is_set()]
