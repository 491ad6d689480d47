"""A camera's frames with their moments, and what is said of a camera that gives none."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerspell.errors import PictureError
from fingerspell.runtime import camera


class Camera:
    """What OpenCV opens: `count` blue frames, 0 for a camera that another program uses."""

    def __init__(self, count: int | None) -> None:
        self.left, self.released = count, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.left is not None

    def read(self):
        self.left = (self.left or 0) - 1
        return self.left >= 0, np.full((4, 6, 3), (255, 0, 0), np.uint8)

    def set(self, name: int, value: float) -> bool:
        return True

    def release(self) -> None:
        self.released = True


def opened(monkeypatch, count: int | None) -> Camera:
    device = Camera(count)
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: device)
    return device


def test_frames_come_in_red_green_blue_with_the_moment_they_arrived(monkeypatch):
    device = opened(monkeypatch, 3)
    moments = iter([100.0, 100.0, 100.5, 101.25])
    monkeypatch.setattr(camera.time, "monotonic", lambda: next(moments))
    read = list(camera.frames(0))
    assert [at_s for at_s, _ in read] == [0.0, 0.5, 1.25]
    assert read[0][1][0, 0].tolist() == [0, 0, 255] and device.released


@pytest.mark.parametrize(
    ("system", "there", "allowed", "count", "found", "fix"),
    [
        ("linux", [], True, None, "no camera 7", "name a film"),
        ("linux", [2], True, None, "no camera 7", "--camera 2"),
        ("linux", [7], False, None, "may not use", "usermod -aG video"),
        ("linux", [7], True, None, "another program may use it", "close what else"),
        ("linux", [7], True, 0, "opens and gives no picture", "close what else"),
        ("darwin", [], True, None, "does not open", "System Settings"),
        ("win32", [], True, None, "does not open", "Settings, Privacy"),
    ],
)
def test_a_camera_without_a_picture_is_explained(
    monkeypatch, tmp_path, system, there, allowed, count, found, fix
):
    device = opened(monkeypatch, count)
    for number in there:
        (tmp_path / f"video{number}").touch()
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(camera, "_DEVICES", Path(tmp_path))
    monkeypatch.setattr(camera.os, "access", lambda path, mode: allowed)
    with pytest.raises(PictureError) as refused:
        next(camera.frames(7))
    assert found in refused.value.found and fix in refused.value.fix and device.released
