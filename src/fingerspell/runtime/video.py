"""Reads a recorded video frame by frame, with the time of each."""

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fingerspell.errors import PictureError
from fingerspell.images import Pixels

_FASTEST_FPS = 1000.0
_MILLISECOND = 1e-3


def _step_s(fps: float, path: Path) -> float:
    """Returns the seconds between two frames at a rate; refuses a rate that cannot be."""
    if math.isfinite(fps) and 0 < fps <= _FASTEST_FPS:
        return 1 / fps
    raise PictureError(
        found=f"{path}: {fps:g} frames per second",
        expected=f"a frame rate above 0 and at most {_FASTEST_FPS:g}",
        fix="say how fast it was recorded: --fps 30",
    )


def frames(path: Path, fps: float | None = None) -> Iterator[tuple[float, Pixels]]:
    """Yields (seconds from the start, uint8 (H, W, 3) RGB), upright, one frame at a time.

    Each frame counts at its own time stamp: phones and browsers record at a rate that varies, and
    the rate that a file names may be any. A frame whose stamp does not go on by 1 ms at least (no
    clock, or one that starts again) comes one step of the file's rate after the one before. With
    `fps` frames are as far apart as that says. Raises `PictureError` for a file that is missing,
    no video, without frames, or without a clock and a rate.
    """
    if not path.is_file():
        raise PictureError(
            found=f"no file {path}", expected="a video file", fix="check the name and the folder"
        )
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise _no_video(path, "a file that does not open as a video")
        asked_s = None if fps is None else _step_s(fps, path)
        at_s, before_s = None, 0.0
        while True:
            came, bgr = capture.read()
            if not came:
                break
            stamp_s = _MILLISECOND * capture.get(cv2.CAP_PROP_POS_MSEC)
            moved_s, before_s = stamp_s - before_s, stamp_s
            if at_s is None:
                at_s = 0.0
            elif asked_s is not None:
                at_s += asked_s
            elif _MILLISECOND <= moved_s < math.inf:
                at_s += moved_s
            else:
                at_s += _step_s(capture.get(cv2.CAP_PROP_FPS), path)
            yield at_s, np.ascontiguousarray(bgr[:, :, ::-1])
        if at_s is None:
            raise _no_video(path, "a video without a readable frame")
    finally:
        capture.release()


def _no_video(path: Path, found: str) -> PictureError:
    return PictureError(
        found=f"{path}: {found}",
        expected="MP4, MOV, WebM or AVI with at least one frame",
        fix="play it in a video player, or convert it: ffmpeg -i IN out.mp4",
    )
