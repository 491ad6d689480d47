"""Recorded video to frames with their time."""

from pathlib import Path
from unittest.mock import Mock

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
    asked = [at_s for at_s, _ in frames(path, fps=20)]
    assert asked == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2]), "a rate asked for beats the file"


@pytest.mark.parametrize("said", [0.0, -1.0, float("nan"), float("inf"), 90000.0])
def test_a_rate_that_cannot_be_is_refused_or_mended_by_the_caller(said: float):
    with pytest.raises(PictureError, match="--fps 30"):
        _frame_rate(said, None, Path("film.avi"))
    assert _frame_rate(said, 25.0, Path("film.avi")) == 25.0


def test_a_file_that_is_missing_no_video_or_cut_off_is_refused(tmp_path: Path):
    whole = write_film(tmp_path / "whole.avi", [("A", 0.5)], fps=10)
    (tmp_path / "cut.avi").write_bytes(whole.read_bytes()[:600])
    (tmp_path / "text.mp4").write_text("this is no video\n" * 100, encoding="utf-8")
    for name, said in (
        ("no.mp4", "no file"),
        ("text.mp4", "does not open"),
        ("cut.avi", r"cut\.avi"),
    ):
        with pytest.raises(PictureError, match=said):
            list(frames(tmp_path / name))


def test_a_video_that_opens_and_has_no_frame_is_refused(tmp_path: Path, monkeypatch):
    empty = Mock(isOpened=lambda: True, get=lambda _: 25.0, read=lambda: (False, None))
    monkeypatch.setattr("cv2.VideoCapture", lambda _: empty)
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(PictureError, match="without a readable frame"):
        list(frames(tmp_path / "film.mp4"))
    empty.release.assert_called_once()
