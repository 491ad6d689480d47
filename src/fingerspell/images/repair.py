"""What is wrong beside the pixels of a JPEG or PNG file is passed over; bytes in, bytes out.

Cameras write bytes that belong to nothing: between the segments of a JPEG's header, and in front of
its restart and end markers. Every decoder passes over them, and reads the very pixels. A flipped
bit in the pixels leaves bytes over in the same way, so what is passed over here is decoded again
and must be whole then (see `images.decode`). A PNG's checksum says which part is damaged: of those
known not to hold pixels, a damaged one is left out, as libpng does.
"""

import re
import zlib
from collections.abc import Iterator

PNG_START = b"\x89PNG\r\n\x1a\n"
_START_OF_SCAN, _END = 0xDA, b"\xff\xd9"
_FRAMES = range(0xC0, 0xD0)
_NO_FRAMES = (0xC4, 0xC8, 0xCC)  # Huffman tables, reserved, arithmetic coding's conditions.
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD9))

MOST_STRAY_BYTES = 16
_FEWEST_MARKERS = 3
"""One restart interval with bytes to spare may be damaged; the same in all of them is a camera."""

_RESTART = rb"(?=\xff[\xd0-\xd7])"
_ZEROS = re.compile(rb"(?<!\xff)\x00+" + _RESTART)
_NOTES = (
    b"acTL bKGD cHRM cICP cLLI caBX eXIf fcTL fdAT gAMA hIST iCCP iTXt mDCV oFFs pCAL pHYs sBIT "
    b"sCAL sPLT sRGB sTER tEXt tIME zTXt"
).split()
"""PNG chunks that hold no pixel of the picture. `tRNS` is not among them: it holds transparency."""


def is_progressive(data: bytes) -> bool:
    """Returns whether a JPEG must be held in memory as a whole before its first row is known."""
    return any(
        marker in _PROGRESSIVE
        for marker, _ in _segments(data)
        if marker in _FRAMES and marker not in _NO_FRAMES
    )


def without_stray_bytes(data: bytes) -> Iterator[bytes]:
    """Yields what a JPEG may be without bytes that belong to nothing, the likeliest first.

    Bytes in front of restart markers are taken for stray where all of them have the same number,
    or where they are zeros. A candidate is right only where it decodes without a complaint.
    """
    head, body = _parts(data)
    yield head + body
    restarts = len(re.findall(_RESTART, body))
    if restarts >= _FEWEST_MARKERS:
        for count in range(1, MOST_STRAY_BYTES + 1):
            shorter, removed = re.subn(b"(?s).{%d}" % count + _RESTART, b"", body)
            if removed == restarts:
                yield head + shorter
    if restarts:
        yield head + _ZEROS.sub(b"", body)


def without_stray_end(data: bytes) -> Iterator[bytes]:
    """Yields a JPEG with 1, 2 … bytes in front of its end marker left out."""
    end = data.rfind(_END)
    for count in range(1, MOST_STRAY_BYTES + 1):
        yield data[: end - count] + data[end:]


def _parts(data: bytes) -> tuple[bytes, bytes]:
    """Returns the header of a JPEG without stray bytes, and the rest from its first scan on."""
    head, end = data[:2], 2
    for marker, segment in _segments(data):
        if marker == _START_OF_SCAN:
            return head, data[segment.start :]
        head += data[segment]
        end = segment.stop
    return head, data[end:]


def _segments(data: bytes) -> Iterator[tuple[int, slice]]:
    """Yields marker and place of the segments of a JPEG's header, up to its first scan."""
    at = 2
    while (at := data.find(b"\xff", at)) >= 0 and at + 4 <= len(data):
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or marker in _WITHOUT_LENGTH:  # A stray byte, or filling.
            at += 1
            continue
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, slice(at, stop)
        if marker == _START_OF_SCAN:
            return
        at = stop


def without_damaged_notes(data: bytes) -> tuple[bytes, str]:
    """Returns a PNG without the notes whose CRC-32 is wrong, and the name of what else is damaged.

    A flipped bit in the pixels would otherwise pass as a picture with other pixels. What is cut
    off is no matter here: decoding finds that out.
    """
    view = memoryview(data)
    kept, start = [], 0
    at, name = len(PNG_START), b""
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
