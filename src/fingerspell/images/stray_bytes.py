"""Passes over bytes in a JPEG that belong to nothing, and tells the parts of its header apart."""

import re
from collections.abc import Iterator
from itertools import chain

import numpy as np
import simplejpeg
from numpy.typing import NDArray

JPEG_START = b"\xff\xd8\xff"
_STRAY_END = re.compile(r"(\d+) extraneous bytes before marker 0xd9")
_START_OF_SCAN, SCAN, _END_OF_IMAGE = 0xDA, b"\xff\xda", b"\xff\xd9"
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_SEGMENT = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
"""A marker that a length follows; what is between two segments are stray bytes, or filling."""

MOST_SEGMENTS = 10_000
MOST_STRAY_HEADER_BYTES = 2**18
_MOST_STRAY_BYTES = 16
_FEWEST_MARKERS = 3
"""One restart interval with bytes to spare may be damaged; the same in all of them is a camera."""

_ZEROS = re.compile(rb"(?:(?<=\xff\x00)|(?<![\xff\x00]))\x00++(?=\xff[\xd0-\xd7])")
"""Zeros in front of a restart marker, but the one that makes 0xFF a byte of the picture. A match
begins where a run of zeros does, or long runs would take time in proportion to their square."""


def jpeg_pixels(data: bytes, sides_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Returns the pixels; raises `ValueError` at libjpeg's first complaint."""
    rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data, "RGB", fastdct=False, fastupsample=False,
        min_height=sides_px[0], min_width=sides_px[1], min_factor=2,
    )  # fmt: skip
    return rgb


def without_stray_bytes(
    data: bytes, sides_px: tuple[int, int], tries: int
) -> NDArray[np.uint8] | None:
    """Returns the pixels where all that is wrong are bytes that belong to nothing, or None.

    A few in front of the end marker are a camera's; a flipped bit leaves at least 17 in most files
    (measured over 4,000 flips), behind a picture of which half is wrong.
    """
    candidates = _stray_candidates(data)
    for _ in range(tries):
        candidate = next(candidates, b"")
        try:
            return jpeg_pixels(candidate, sides_px) if candidate else None
        except ValueError as error:
            stray = _STRAY_END.search(str(error))
            if stray and int(stray[1]) <= _MOST_STRAY_BYTES:
                candidates = chain(_with_shorter_ends(candidate), candidates)
    return None


def _with_shorter_ends(data: bytes) -> Iterator[bytes]:
    """Yields a JPEG without the last bytes in front of its end marker, one to sixteen of them."""
    end = data.rfind(_END_OF_IMAGE)
    for count in range(1, _MOST_STRAY_BYTES + 1):
        yield data[: end - count] + data[end:]


def has_long_header(data: bytes) -> bool:
    """Says whether the header of a JPEG would take Pillow, which reads it byte by byte, seconds."""
    try:
        for _ in _segments(data):
            pass
    except ValueError:
        return True
    return False


def is_progressive(data: bytes) -> bool:
    """Returns whether a JPEG must be held in memory as a whole before its first row is known."""
    return any(marker in _PROGRESSIVE for marker, _ in _segments(data))


def _stray_candidates(data: bytes) -> Iterator[bytes]:
    """Yields what a JPEG may be without bytes that belong to nothing, the likeliest first.

    Bytes in front of restart markers are taken for stray where all of them have the same number,
    or where they are zeros. A candidate is right only where it decodes without a complaint.
    Each takes time in proportion to the file, and is made when it is asked for.
    """
    head, body = parts(data)
    yield head + body
    content = np.frombuffer(body, np.uint8)
    restarts = np.flatnonzero((content[:-1] == 0xFF) & (content[1:] & 0xF8 == 0xD0))
    if len(restarts) >= _FEWEST_MARKERS:
        kept = np.ones(len(content), bool)
        fewest = int(np.diff(restarts, prepend=0).min())
        for count in range(1, min(_MOST_STRAY_BYTES, fewest) + 1):
            kept[restarts - count] = False
            yield head + content[kept].tobytes()
    if len(restarts):
        yield head + _ZEROS.sub(b"", body)


def parts(data: bytes) -> tuple[bytes, bytes]:
    """Returns the header of a JPEG without stray bytes, and the rest from its first scan on."""
    head, end = [data[:2]], 2
    for marker, segment in _segments(data):
        if marker == _START_OF_SCAN:
            end = segment.start
            break
        head.append(data[segment])
        end = segment.stop
    return b"".join(head), data[end:]


def _segments(data: bytes) -> Iterator[tuple[int, slice]]:
    """Yields marker and place of the segments of a JPEG's header, up to its first scan.

    Raises `ValueError` for a long header, see `has_long_header`.
    """
    at, stray = 2, 0
    for _ in range(MOST_SEGMENTS):
        found = _SEGMENT.search(data, at)
        start = found.start() if found else len(data)
        stray += start - at
        if stray > MOST_STRAY_HEADER_BYTES:
            break
        if start + 4 > len(data):
            return
        marker, at = data[start + 1], start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        yield marker, slice(start, at)
        if marker == _START_OF_SCAN:
            return
    raise ValueError("a header that takes long to read")
