"""Frames → a video file with the truth of every frame beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from fingerspell.errors import DataError
from fingerspell.synth.arrays import Bytes
from fingerspell.synth.film import Frame

SUFFIXES = (".mp4", ".y4m")


class Writer(Protocol):
    """Takes RGB frames, all of one size."""

    def add(self, rgb: Bytes) -> None:
        """Appends a frame."""

    def close(self) -> None:
        """Finishes the file."""


class Y4mWriter:
    """Uncompressed YUV 4:2:0 with a text header: exact, and readable by ffmpeg and OpenCV.

    Format: the yuv4mpeg(5) manual page of mjpegtools; colours BT.601, limited range.
    """

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        if height % 2 or width % 2:
            raise DataError(
                found=f"frames of {height} x {width} px",
                expected="even sides: two pixels share one colour",
                fix="choose an even --size",
            )
        self._file: BinaryIO = path.open("wb")
        rate = f"{round(fps * 1000)}:1000"
        header = f"YUV4MPEG2 W{width} H{height} F{rate} Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n"
        self._file.write(header.encode("ascii"))

    def add(self, rgb: Bytes) -> None:
        """Appends a frame."""
        import cv2

        self._file.write(b"FRAME\n")
        self._file.write(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)).tobytes())

    def close(self) -> None:
        """Finishes the file."""
        self._file.close()


class Mp4Writer:
    """MPEG-4 part 2 in an MP4 file, through OpenCV: no further program is needed."""

    def __init__(self, path: Path, fps: float, height: int, width: int) -> None:
        import cv2

        code = cv2.VideoWriter.fourcc(*"mp4v")
        self._writer = cv2.VideoWriter(str(path), code, fps, (width, height))
        if not self._writer.isOpened():
            raise DataError(
                found=f"OpenCV cannot write {path.name}",
                expected="an OpenCV with its video part",
                fix="write .y4m instead: it needs no codec",
            )

    def add(self, rgb: Bytes) -> None:
        """Appends a frame."""
        self._writer.write(np.ascontiguousarray(rgb[..., ::-1]))

    def close(self) -> None:
        """Finishes the file."""
        self._writer.release()


def open_writer(path: Path, fps: float, height: int, width: int) -> Writer:
    """Returns the writer that a file's suffix asks for; raises `DataError` for other suffixes."""
    kinds: dict[str, type[Y4mWriter] | type[Mp4Writer]] = {".mp4": Mp4Writer, ".y4m": Y4mWriter}
    if path.suffix.lower() not in kinds:
        raise DataError(
            found=f"{path.name}",
            expected=f"a file name that ends in {' or '.join(SUFFIXES)}",
            fix="fingerspell synth video HELLO -o hello.mp4",
        )
    return kinds[path.suffix.lower()](path, fps, height, width)


def write_video(frames: Iterable[Frame], path: Path, fps: float, word: str) -> Path:
    """Writes the video and `<name>.json` beside it; both appear complete or not at all.

    The truth holds `word`, `fps`, and for every frame time_s, label, phase, landmarks (21 x, y in
    pixels or null) and box. Returns the truth's path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    truth_path = path.with_suffix(".json")
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        lines = list(_write(frames, part, fps))
        body = {"word": word, "fps": fps, "frames": lines}
        part_truth = truth_path.with_name(f".{truth_path.name}.part")
        part_truth.write_text(json.dumps(body) + "\n", encoding="utf-8", newline="\n")
        part.replace(path)
        part_truth.replace(truth_path)
    finally:
        part.unlink(missing_ok=True)
    return truth_path


def _write(frames: Iterable[Frame], path: Path, fps: float) -> Iterator[dict[str, object]]:
    writer: Writer | None = None
    try:
        for frame in frames:
            if writer is None:
                writer = open_writer(path, fps, *frame.rgb.shape[:2])
            writer.add(frame.rgb)
            yield _truth(frame)
    finally:
        if writer is not None:
            writer.close()


def _truth(frame: Frame) -> dict[str, object]:
    seen = bool(np.isfinite(frame.landmarks).all())
    return {
        "time_s": round(frame.time_s, 4),
        "label": frame.label,
        "phase": frame.phase,
        "landmarks": np.round(frame.landmarks, 2).tolist() if seen else None,
        "box": list(frame.box) if seen else None,
    }
