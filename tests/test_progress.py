"""One line: done, rate, time left; rare in a log, in place on a terminal."""

from __future__ import annotations

import io

import pytest

from fingerspell.progress import Progress, duration, line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_says_rate_and_time_left_and_divides_by_nothing() -> None:
    progress = Progress(1200, "checking", stream=io.StringIO())
    progress.done = 300
    assert line(progress, 10.0) == "checking 300/1,200 pictures  30/s  30 s left"
    assert line(progress, 10.0, ended=True) == "checking 300/1,200 pictures  30/s  in 10 s"
    assert line(Progress(0, "x", "steps", io.StringIO()), 0.0) == "x 0 steps  0/s"


def test_a_log_gets_a_last_line_and_no_more_when_it_was_quick() -> None:
    log = io.StringIO()
    with Progress(3, "writing", stream=log) as progress:
        for _ in range(3):
            progress.advance(note="loss 0.1")
    (last, rest) = log.getvalue().split("\n")
    assert "3/3" in last and "loss 0.1" in last and "\r" not in last and rest == ""


def test_a_terminal_is_written_in_place_and_old_letters_are_covered() -> None:
    screen = Terminal()
    progress = Progress(2, "x", stream=screen)
    progress._show("a long line")
    progress._show("short")
    assert screen.getvalue() == "\ra long line\rshort      "


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (59.4, "59 s"), (125, "2 min 05 s"), (4800, "1 h 20 min")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
