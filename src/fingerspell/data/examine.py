"""Opens every picture once: is it whole, how large, what are its hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2

from fingerspell.data.found import Bad, Found
from fingerspell.data.hashing import dhash
from fingerspell.errors import PictureError
from fingerspell.images import MAX_BYTES, decode
from fingerspell.progress import Progress

_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that decoded: upright size in pixels, SHA-256 of the bytes, dHash of the pixels."""

    file: Found
    sha256: str
    dhash: str
    width: int
    height: int


def examine(files: Sequence[Found]) -> tuple[list[Picture], list[Bad]]:
    """Decodes every file fully, in order, on all cores.

    Threads suffice: reading, decoding and hashing release Python's lock, and they start at once
    on every system.
    """
    cv2.setNumThreads(1)
    chunks = [files[i : i + _CHUNK] for i in range(0, len(files), _CHUNK)]
    results: list[Picture | Bad] = []
    with (
        Progress(len(files), "checking") as progress,
        ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool,
    ):
        for part in _in_order(pool, chunks):
            results += part
            progress.advance(len(part))
    pictures = [result for result in results if isinstance(result, Picture)]
    return pictures, [result for result in results if isinstance(result, Bad)]


def examine_one(file: Found) -> Picture | Bad:
    """Reads and decodes one file; never raises for what the file holds."""
    try:
        if file.size_bytes > MAX_BYTES:
            return Bad(file.path, f"{file.size_bytes:,} bytes; at most {MAX_BYTES:,}")
        data = file.path.read_bytes()
        rgb = decode(data)
    except PictureError as error:
        return Bad(file.path, error.found)
    except OSError as error:
        return Bad(file.path, f"cannot be read ({error.strerror or error})")
    height, width = rgb.shape[:2]
    return Picture(file, hashlib.sha256(data).hexdigest(), dhash(rgb), width, height)


def _in_order(
    pool: ThreadPoolExecutor, chunks: Sequence[Sequence[Found]]
) -> Iterator[list[Picture | Bad]]:
    yield from pool.map(lambda chunk: [examine_one(file) for file in chunk], chunks)
