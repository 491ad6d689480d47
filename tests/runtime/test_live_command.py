"""`fingerspell live`, as a person types it, with a screen that a test looks at."""

from __future__ import annotations

import io
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from fingerspell.cli import live
from fingerspell.cli.live import screen
from fingerspell.live.words import Decoded, Proposal
from fingerspell.runtime import camera, vocabulary
from helpers.command import command
from helpers.film import write_film
from helpers.tiny_bundle import picture

WORDS = [("cab", 900.0), ("bac", 1.0), ("abba", 50.0)]


class Seen:
    """A screen of which somebody, in frame `at`, presses keys."""

    live = False

    def __init__(self, at: int = 0, *keys: str) -> None:
        self.at, self.pressed = at, keys
        self.lines: list[str] = []
        self.signs: list[str] = []
        self.pictures: list[np.ndarray] = []
        self.open = False

    def __enter__(self) -> Seen:
        self.open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False

    def keys(self) -> list[str]:
        return list(self.pressed) if len(self.lines) == self.at else []

    def show(self, rgb: np.ndarray, line: str) -> None:
        self.pictures.append(rgb)
        self.lines.append(line)

    def counted(self, line: str) -> None:
        self.signs.append(line)


def look(monkeypatch, *argv: object, seen: Seen | None = None) -> Seen:
    seen = seen or Seen()
    monkeypatch.setattr(screen, "usual", lambda: seen)
    assert command("live", *argv) == 0
    assert not seen.open
    return seen


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_film(tmp_path / "film.avi", [("A", 0.8), ("B", 0.8), ("nothing", 0.4)], 10)


def test_a_film_shows_the_letter_how_sure_it_is_and_the_text(monkeypatch, bundle, film, capsys):
    seen = look(monkeypatch, film, "--bundle", bundle)
    assert len(seen.lines) == 20
    assert seen.lines[0].split() == ["A", "100%", "_"]
    assert seen.lines[-1].split() == ["-", "100%", "AB_"]
    assert [line.split()[2:] for line in seen.signs] == [["A", "A"], ["B", "AB"]]
    assert capsys.readouterr().out == "text: AB\n"


def test_without_a_screen_there_is_a_line_for_each_sign(monkeypatch, bundle, film, capsys):
    monkeypatch.setitem(sys.modules, "tkinter", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert command("live", film, "--bundle", bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2:] for line in lines[:2]] == [["A", "A"], ["B", "AB"]]
    assert lines[2] == "text: AB"


@pytest.mark.parametrize(
    ("at", "keys", "text"),
    [
        (4, ["space"], "A B"),
        (4, ["space", "space", "delete"], "AB"),
        (4, ["delete"], "B"),
        (19, ["clear"], "nothing was held long enough to count"),
        (4, ["space", "quit"], "A "),
    ],
)
def test_keys_write_delete_clear_and_quit(monkeypatch, bundle, film, capsys, at, keys, text):
    """What the hand holds while a key is pressed is not written again."""
    look(monkeypatch, film, "--bundle", bundle, seen=Seen(at, *keys))
    assert capsys.readouterr().out == f"text: {text}\n"


def test_words_are_proposed_beside_the_text_which_stays(monkeypatch, bundle, tmp_path, capsys):
    monkeypatch.setattr(vocabulary, "english", lambda: WORDS)
    scenes = [("A", 0.6), ("B", 0.6), ("A", 0.6), ("space", 0.6)]
    film = write_film(tmp_path / "film.avi", scenes, 10)
    seen = look(monkeypatch, film, "--bundle", bundle, "--words")
    assert seen.lines[-1].endswith("(ABA: ABBA? 99%)"), "the word before the space"
    assert capsys.readouterr().out == "text: ABA \n"
    assert "?" not in "".join(look(monkeypatch, film, "--bundle", bundle).lines)


@pytest.mark.parametrize(
    ("word", "probability", "shown"),
    [("ABBA", 0.6, "(ABA: ABBA? 60%)"), ("ABBA", 0.4, ""), ("ABA", 0.9, "")],
)
def test_a_proposal_is_shown_where_it_is_likely_and_another_word(word, probability, shown):
    assert live._proposal(Decoded("ABA", (Proposal(word, probability),))) == shown


def test_words_without_their_package_name_the_command_that_installs_it(
    monkeypatch, bundle, film, capsys
):
    monkeypatch.setattr(vocabulary, "PACKAGE", "no_such_package")
    assert command("live", film, "--bundle", bundle, "--words") == 2
    assert "pip install no_such_package==6.*" in capsys.readouterr().err.replace('"', "")


def test_a_cameras_picture_is_shown_as_in_a_mirror_and_read_as_it_is(monkeypatch, bundle):
    half = picture("A")
    half[:, 30:] = picture("nothing")[:, 30:]
    monkeypatch.setattr(camera, "frames", lambda number: itertools.repeat((float(number), half), 1))
    seen = look(monkeypatch, "--camera", 3, "--bundle", bundle)
    assert np.array_equal(seen.pictures[0], half[:, ::-1])


def test_the_text_is_told_when_a_film_breaks_off(monkeypatch, bundle, capsys):
    def broken(number: int):
        yield from ((index / 10, picture("A")) for index in range(8))
        raise KeyboardInterrupt

    monkeypatch.setattr(camera, "frames", broken)
    monkeypatch.setattr(screen, "usual", Seen)
    assert command("live", "--bundle", bundle) == 130
    assert capsys.readouterr().out == "text: A\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["film.mp4", "--camera", "0"], "a film and a camera"),
        (["--camera", "-1"], "--camera -1"),
        (["no such film.mp4"], "no file"),
        (["--camera", "97"], "camera 97"),
    ],
)
def test_a_command_that_cannot_work_leaves_with_2_and_opens_no_window(
    monkeypatch, bundle, capsys, argv, said
):
    monkeypatch.setattr(screen, "usual", lambda: pytest.fail("a window was opened"))
    assert command("live", *argv, "--bundle", bundle) == 2
    assert said in capsys.readouterr().err
