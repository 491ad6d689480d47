"""Recorded video to frames with their time."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerspell.errors import PictureError
from fingerspell.runtime.video import frames
from helpers.film import write_film, write_uneven_film


def test_frames_come_with_their_time_and_in_red_green_blue(tmp_path: Path):
    path = write_film(tmp_path / "film.avi", [("A", 0.3), ("C", 0.2)], fps=10)
    got = list(frames(path))
    assert [at_s for at_s, _ in got] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    red, blue = got[0][1].mean(axis=(0, 1)), got[-1][1].mean(axis=(0, 1))
    assert red.argmax() == 0 and blue.argmax() == 2


def test_a_rate_that_is_asked_for_beats_the_file(tmp_path: Path):
    path = write_film(tmp_path / "film.avi", [("A", 0.3)], fps=10)
    assert [at_s for at_s, _ in frames(path, fps=20)] == pytest.approx([0.0, 0.05, 0.1])


def test_frames_of_an_uneven_film_come_at_their_own_times(tmp_path: Path):
    film = write_uneven_film(tmp_path / "film.mp4", [1, 1, 7, 1, 20, 1], fps=10)
    assert [at_s for at_s, _ in frames(film)] == pytest.approx([0, 0.1, 0.2, 0.9, 1.0, 3.0])


class Capture:
    """Stands in for `cv2.VideoCapture`: a frame a time stamp (milliseconds), and a claimed rate."""

    stamps_ms: tuple[float, ...] = ()
    fps = 30.0

    def __init__(self, name: str) -> None:
        self.read_so_far = 0

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, what: int) -> float:
        if what == cv2.CAP_PROP_FPS:
            return self.fps
        return self.stamps_ms[max(0, self.read_so_far - 1)]

    def read(self):
        self.read_so_far += 1
        came = self.read_so_far <= len(self.stamps_ms)
        return came, np.zeros((4, 4, 3), np.uint8) if came else None

    def release(self) -> None: ...


@pytest.fixture
def times(tmp_path: Path, monkeypatch):
    """Returns when the frames of a video with such time stamps were taken."""
    monkeypatch.setattr("cv2.VideoCapture", Capture)
    (tmp_path / "film.mp4").write_bytes(b"x")

    def read(stamps_ms, claimed=30.0, fps=None):
        monkeypatch.setattr(Capture, "stamps_ms", tuple(stamps_ms))
        monkeypatch.setattr(Capture, "fps", claimed)
        return [at_s for at_s, _ in frames(tmp_path / "film.mp4", fps)]

    return read


@pytest.mark.parametrize("claimed", [30.0, 1000.0, 90000.0, 0.0, float("nan")])
def test_a_frame_counts_at_its_own_time_stamp_whatever_the_claimed_rate(times, claimed: float):
    stamps_ms = (0, 33, 66, 300, 333, 1000)
    assert times(stamps_ms, claimed) == pytest.approx([x / 1000 for x in stamps_ms])


def test_time_begins_with_the_first_frame(times):
    assert times((5000, 5040, 5200)) == pytest.approx([0, 0.04, 0.2])


@pytest.mark.parametrize(
    ("stamps_ms", "expected"),
    [
        ((0, 0, 0, 0), [0, 0.04, 0.08, 0.12]),
        ((0, float("nan"), float("nan")), [0, 0.04, 0.08]),
        ((0, 0.01, 0.02), [0, 0.04, 0.08]),
        ((0, 100, 200, 0, 100), [0, 0.1, 0.2, 0.24, 0.34]),
    ],
    ids=["no clock", "no number", "faster than any camera", "starts again"],
)
def test_where_the_clock_does_not_go_on_the_rate_does(times, stamps_ms, expected):
    assert times(stamps_ms, claimed=25.0) == pytest.approx(expected)


@pytest.mark.parametrize("claimed", [0.0, -1.0, float("nan"), float("inf"), 90000.0])
def test_without_a_clock_and_a_rate_the_option_is_named(times, claimed: float):
    with pytest.raises(PictureError, match="--fps 30"):
        times((0, 0, 0), claimed)
    assert times((0, 0, 0), claimed, fps=25.0) == pytest.approx([0, 0.04, 0.08])
    with pytest.raises(PictureError, match="--fps 30"):
        times((0, 40), fps=0.0)


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


def test_a_video_that_opens_and_has_no_frame_is_refused(times):
    with pytest.raises(PictureError, match="without a readable frame"):
        times((), claimed=25.0)
