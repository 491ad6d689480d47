"""Short real video files in the tiny bundle's colours."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.tiny_bundle import COLOURS


def write_film(path: Path, scenes: Sequence[tuple[str, float]], fps: float) -> Path:
    """Writes (label, seconds) scenes as motion JPEG, which OpenCV carries everywhere."""
    height, width = 96, 80
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    for label, length_s in scenes:
        frame = np.full((height, width, 3), COLOURS[label][::-1], np.uint8)
        for _ in range(round(length_s * fps)):
            writer.write(frame)
    writer.release()
    return path


def write_uneven_film(path: Path, steps: Sequence[int], fps: float) -> Path:
    """Writes an MP4 whose frame i lasts `steps[i]` times 1 / `fps`, by a time table of its own."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), fps, (80, 96))
    for number in range(len(steps)):
        writer.write(np.full((96, 80, 3), 20 * number, np.uint8))
    writer.release()
    film = bytearray(path.read_bytes())
    table = film.index(b"stts") + 4  # 4 bytes of flags, then the number of (frames, length).
    (unit,) = struct.unpack_from(">I", film, table + 12)
    rows = b"".join(struct.pack(">II", 1, unit * step) for step in steps)
    film[table : table + 16] = struct.pack(">II", 0, len(steps)) + rows
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"):
        start = film.index(box) - 4
        (size,) = struct.unpack_from(">I", film, start)
        struct.pack_into(">I", film, start, size + len(rows) - 8)
    path.write_bytes(film.replace(b"edts", b"free"))  # Or the film ends where it ended before.
    return path
