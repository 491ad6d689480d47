"""Reads a recorded video frame by frame, with the time of each."""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fingerspell.errors import PictureError
from fingerspell.images import Pixels

_FASTEST_FPS = 1000.0


def _frame_rate(said: float, asked: float | None, path: Path) -> float:
    """Returns frames per second: what the caller asked for, else what the file says."""
    fps = said if asked is None else asked
    if math.isfinite(fps) and 0 < fps <= _FASTEST_FPS:
        return fps
    raise PictureError(
        found=f"{path}: {fps:g} frames per second",
        expected=f"a frame rate above 0 and at most {_FASTEST_FPS:g}",
        fix="say how fast it was recorded: --fps 30",
    )


def frames(path: Path, fps: float | None = None) -> Iterator[tuple[float, Pixels]]:
    """Yields (seconds from the start, uint8 (H, W, 3) RGB), upright, one frame at a time.

    Raises `PictureError` for a file that is missing, no video, without frames or without a rate.
    """
    if not path.is_file():
        raise PictureError(
            found=f"no file {path}", expected="a video file", fix="check the name and the folder"
        )
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise _no_video(path, "a file that does not open as a video")
        rate = _frame_rate(capture.get(cv2.CAP_PROP_FPS), fps, path)
        index = 0
        while True:
            came, bgr = capture.read()
            if not came:
                break
            yield index / rate, np.ascontiguousarray(bgr[:, :, ::-1])
            index += 1
        if index == 0:
            raise _no_video(path, "a video without a readable frame")
    finally:
        capture.release()


def _no_video(path: Path, found: str) -> PictureError:
    return PictureError(
        found=f"{path}: {found}",
        expected="MP4, MOV, WebM or AVI with at least one frame",
        fix="play it in a video player, or convert it: ffmpeg -i IN out.mp4",
    )
