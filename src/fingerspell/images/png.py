"""PNG's own checksums, which Pillow leaves unread for the pixels themselves."""

from __future__ import annotations

import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"


def broken_chunk(data: bytes) -> str:
    """Returns the name of the first chunk whose CRC-32 is wrong; empty where all are right.

    A flipped bit would otherwise pass as a picture with other pixels. What is cut off is no
    matter here: decoding finds that out.
    """
    view = memoryview(data)
    at, name = len(PNG_START), ""
    while at + 12 <= len(data) and name != "IEND":
        name = bytes(view[at + 4 : at + 8]).decode("latin-1")
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        if end + 4 > len(data):
            return ""
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return name
        at = end + 4
    return ""
