"""Recorded video to frames with their time."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.errors import PictureError
from fingerspell.runtime.video import _frame_rate, frames
from helpers.film import write_film


def test_frames_come_with_their_time_and_in_red_green_blue(tmp_path: Path):
    path = write_film(tmp_path / "film.avi", [("A", 0.3), ("C", 0.2)], fps=10)
    got = list(frames(path))
    assert [at_s for at_s, _ in got] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    red, blue = got[0][1].mean(axis=(0, 1)), got[-1][1].mean(axis=(0, 1))
    assert red.argmax() == 0 and blue.argmax() == 2


def test_a_rate_that_is_asked_for_beats_the_file(tmp_path: Path):
    path = write_film(tmp_path / "film.avi", [("A", 0.3)], fps=10)
    assert [at_s for at_s, _ in frames(path, fps=20)] == pytest.approx([0.0, 0.05, 0.1])


@pytest.mark.parametrize("said", [0.0, -1.0, float("nan"), float("inf"), 90000.0])
def test_a_rate_that_cannot_be_is_refused(said: float):
    with pytest.raises(PictureError, match="--fps 30"):
        _frame_rate(said, None, Path("film.avi"))


def test_a_rate_that_cannot_be_is_mended_by_the_caller():
    assert _frame_rate(0.0, 25.0, Path("film.avi")) == 25.0


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(PictureError, match="no file"):
        list(frames(tmp_path / "no.mp4"))


def test_a_file_that_is_no_video_is_refused(tmp_path: Path):
    path = tmp_path / "text.mp4"
    path.write_text("this is no video\n" * 100, encoding="utf-8")
    with pytest.raises(PictureError, match="does not open"):
        list(frames(path))


def test_a_video_cut_off_before_its_first_frame_is_refused(tmp_path: Path):
    whole = write_film(tmp_path / "whole.avi", [("A", 0.5)], fps=10)
    path = tmp_path / "cut.avi"
    path.write_bytes(whole.read_bytes()[:600])
    with pytest.raises(PictureError):
        list(frames(path))


def test_a_video_that_opens_and_has_no_frame_is_refused(tmp_path: Path, monkeypatch):
    class Empty:
        def __init__(self, name: str) -> None: ...
        def isOpened(self) -> bool:  # noqa: N802
            return True

        def get(self, what: int) -> float:
            return 25.0

        def read(self) -> tuple[bool, None]:
            return False, None

        def release(self) -> None: ...

    monkeypatch.setattr("cv2.VideoCapture", Empty)
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(PictureError, match="without a readable frame"):
        list(frames(tmp_path / "film.mp4"))
