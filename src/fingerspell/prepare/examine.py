"""Decodes and measures pictures: integrity, size, SHA-256, perceptual hash, image quality."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import cv2
import numpy as np

from fingerspell.dataset.manifest import Manifest
from fingerspell.dataset.quality import SIDE_PX, Quality, measure_with_luma
from fingerspell.errors import DataError, PictureError
from fingerspell.images import MAX_BYTES, Pixels, decode, encode_jpeg, glance, luma
from fingerspell.images.decode import SAVE_AGAIN
from fingerspell.labels import LETTERS
from fingerspell.machine import reading_threads
from fingerspell.prepare.near_duplicates import dhash_of_luma
from fingerspell.prepare.records import Bad, Box, Record, Row
from fingerspell.progress import Progress

HAND_MARGIN = 1.5
"""A box is made square and this much wider.

Hand crops made with a tracker are cut at 1.5 times its box: the network then sees wrist and
finger tips with some room around them, which a tight box cuts off.
"""

_CROP_QUALITY = 95

_TABLE_SIDE_PX = 28
_TABLE_COLUMNS = 1 + _TABLE_SIDE_PX * _TABLE_SIDE_PX

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


def examine(records: Sequence[Record]) -> tuple[list[Picture], list[Bad]]:
    """Decodes every picture fully and returns the good and the bad ones, both in order.

    Works on all cores. Threads suffice: reading, decoding and hashing release Python's lock, and
    they start at once on every system. Ctrl-C waits for the pictures in hand only.
    """
    cv2.setNumThreads(1)
    chunks = [records[i : i + _CHUNK] for i in range(0, len(records), _CHUNK)]
    results: list[Picture | Bad] = []
    stop = Event()
    pool = ThreadPoolExecutor(reading_threads())
    try:
        with Progress(len(records), "checking") as progress:
            for part in pool.map(lambda chunk: _examine_all(chunk, stop), chunks):
                results += part
                progress.advance(len(part))
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
    pictures = [result for result in results if isinstance(result, Picture)]
    return pictures, [result for result in results if isinstance(result, Bad)]


def _examine_one(record: Record) -> Picture | Bad:
    """Reads and decodes one picture; never raises for what the file holds."""
    try:
        if record.size_bytes > MAX_BYTES and not isinstance(record.part, Row):
            return Bad(record.path, f"{record.size_bytes:,} bytes; at most {MAX_BYTES:,}")
        data = content(record)
        rgb, width, height = glance(data, _LOOKED_AT_PX)
        grey = luma(rgb)
        sha256 = hashlib.sha256(data).hexdigest()
        quality = measure_with_luma(rgb, grey)
        return Picture(record, sha256, dhash_of_luma(grey), width, height, quality)
    except PictureError as error:
        mend = "" if error.fix == SAVE_AGAIN else f"; to fix: {error.fix}"
        return Bad(record.path, error.found + mend)
    except OSError as error:
        return Bad(record.path, f"cannot be read ({error.strerror or error})")
    except MemoryError:
        return Bad(record.path, "does not fit into memory")
    except Exception as error:  # One odd picture must not cost the other 86,999.
        return Bad(record.path, f"cannot be examined ({error})")


def check_bad(bad: Sequence[Bad], total: int, most: float) -> None:
    """Refuses when nothing can be decoded, or more than the share `most` can't."""
    if len(bad) == total:
        raise DataError(
            found=f"none of {total:,} files is a usable picture, first {bad[0].path}: "
            f"{bad[0].reason}",
            expected="JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC pictures",
            fix="check --input_dir",
        )
    if len(bad) > most * total:
        listed = "; ".join(f"{b.path}: {b.reason}" for b in bad[:3])
        raise DataError(
            found=f"{len(bad):,} of {total:,} files are bad: {listed}",
            expected=f"at most {most:.1%} bad files",
            fix=f"mend them, or allow more: --max_bad {len(bad) / total + 0.01:.2f}",
        )


def check_unseen_pictures(name: str, paths: Sequence[Path], manifest: Manifest) -> list[Bad]:
    """Opens every picture; returns those that cannot be read, with the reason.

    Raises `DataError` where the data set holds the bytes of any, whatever the split: a picture
    that was trained on would count as one of an unseen signer. Rows without a hash are skipped.
    """
    pictures, bad = examine([Record(path, "", name, _size_bytes(path), 0) for path in paths])
    known = {sample.sha256: sample for sample in manifest.samples if sample.sha256}
    if own := [picture for picture in pictures if picture.sha256 in known]:
        raise DataError(
            found=f"{len(own):,} of {len(paths):,} pictures of {name} are in the data set too, "
            f"first {own[0].file.path}, which is {known[own[0].sha256].path}",
            expected="unseen signers: pictures that no split of the data set holds",
            fix="take them out of that folder, or keep the whole source out of training: "
            "prepare --holdout_source",
        )
    return bad


def content(record: Record) -> bytes:
    """Returns a picture file's bytes, the same each time.

    Raises `OSError` where the file cannot be read, `PictureError` where it holds no such part.
    """
    if record.part is None:
        return record.path.read_bytes()
    if isinstance(record.part, Box):
        whole = decode(record.path.read_bytes())
        return encode_jpeg(_crop(whole, record.part), _CROP_QUALITY)
    return _row_png(record, record.part)


def _crop(rgb: Pixels, box: Box) -> Pixels:
    """Cuts the square around a box, `HAND_MARGIN` times its longer side, out of (H, W, 3).

    At the edge of the picture less is cut, so that nothing is made up.
    """
    height, width = rgb.shape[:2]
    side = HAND_MARGIN * max((box.right - box.left) * width, (box.bottom - box.top) * height)
    top, bottom = _span((box.top + box.bottom) / 2 * height, side, height)
    left, right = _span((box.left + box.right) / 2 * width, side, width)
    return rgb[top:bottom, left:right]


def parse_row(text: bytes) -> tuple[str, bytes]:
    """Returns the label as written, 0 to 25, and the 784 grey values of a row, row by row.

    Raises `ValueError` with the reason.
    """
    fields = text.replace(b'"', b"").split(b",")
    if len(fields) != _TABLE_COLUMNS:
        raise ValueError(f"{len(fields)} columns instead of {_TABLE_COLUMNS}")
    try:
        label, pixels = int(fields[0]), bytes(map(int, fields[1:]))
    except ValueError:
        raise ValueError("not all whole numbers from 0 to 255") from None
    if not 0 <= label < len(LETTERS):
        raise ValueError(f"label {label} is none of 0 (A) to {len(LETTERS) - 1} (Z)")
    return str(label), pixels


def _examine_all(records: Sequence[Record], stop: Event) -> list[Picture | Bad]:
    return [_examine_one(record) for record in records if not stop.is_set()]


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # Reading it will say why.


def _span(middle: float, side: float, length: int) -> tuple[int, int]:
    """Returns first and last-plus-one pixel of `side` around `middle`, at least one pixel."""
    first = min(max(round(middle - side / 2), 0), length - 1)
    return first, max(min(round(middle + side / 2), length), first + 1)


def _row_png(record: Record, row: Row) -> bytes:
    text = np.fromfile(record.path, np.uint8, row.length_bytes, offset=row.offset_bytes).tobytes()
    try:
        _, pixels = parse_row(text)
    except ValueError as error:
        raise PictureError(
            found=f"a row of {record.path.name} that changed: {error}",
            expected="the table as it was when it was listed",
            fix="run prepare again",
        ) from error
    grey = np.frombuffer(pixels, np.uint8).reshape(_TABLE_SIDE_PX, _TABLE_SIDE_PX)
    return bytes(cv2.imencode(".png", grey)[1])
