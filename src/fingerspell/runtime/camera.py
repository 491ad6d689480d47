"""Reads a camera frame by frame, with the moment of each."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fingerspell.errors import PictureError
from fingerspell.images import Pixels

_DEVICES = Path("/dev")


def frames(number: int) -> Iterator[tuple[float, Pixels]]:
    """Yields (seconds from the first frame, uint8 (H, W, 3) RGB) until the camera ends.

    The time is when a frame arrived: cameras give no time stamps. Raises `PictureError` for a
    camera that is not there, is used by another program, or may not be used.
    """
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(number)
    try:
        opened = capture.isOpened()
        came, bgr = capture.read()
        if not came:
            raise _no_camera(number, opened=opened)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # The newest frame, where answers take longer.
        start_s = time.monotonic()
        while came:
            yield time.monotonic() - start_s, np.ascontiguousarray(bgr[:, :, ::-1])
            came, bgr = capture.read()
    finally:
        capture.release()
        cv2.utils.logging.setLogLevel(before)


def _no_camera(number: int, *, opened: bool) -> PictureError:
    """Says why a camera gives no picture, as far as the system tells."""
    device = _DEVICES / f"video{number}"
    found, fix = f"camera {number}, which does not open", _fix()
    if opened:
        found = f"camera {number}, which opens and gives no picture: another program may use it"
        fix = "close what else shows the camera's picture, or try --camera 1"
    elif sys.platform == "linux" and not device.exists():
        there = sorted(x.name.removeprefix("video") for x in _DEVICES.glob("video*"))
        found = f"no camera {number} ({device})"
        fix = f"use --camera {there[0]}" if there else "connect a camera, or name a film"
    elif sys.platform == "linux" and not os.access(device, os.R_OK | os.W_OK):
        found = f"camera {number}, which this user may not use ({device})"
        fix = "sudo usermod -aG video $USER, then log in again"
    elif sys.platform == "linux":
        found = f"camera {number}, which does not open: another program may use it ({device})"
    return PictureError(found=found, expected="a camera that is free to use", fix=fix)


def _fix() -> str:
    """Returns what to try where the system does not tell a missing camera from a forbidden one."""
    if sys.platform == "darwin":
        return "System Settings, Privacy & Security, Camera: allow your terminal, and start it anew"
    if sys.platform == "win32":
        return (
            "Settings, Privacy & security, Camera: let desktop apps use it, and close other "
            "programs that do"
        )
    return "close what else shows the camera's picture, or try another number"
