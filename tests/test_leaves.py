"""The leaves of the house: one family of errors, one list of labels, one line of progress."""

from __future__ import annotations

import inspect
import io
import pickle

import pytest

from fingerspell import errors, labels
from fingerspell.errors import FingerspellError
from fingerspell.labels import (
    ALPHABET,
    LETTERS,
    chosen_labels,
    in_order,
    label_of,
    read_labels,
    write_labels,
)
from fingerspell.progress import Progress, _line, duration, speed

KINDS = [
    x for _, x in inspect.getmembers(errors, inspect.isclass) if x.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_users_mistake_in_three_lines_that_survives_a_worker_process(kind):
    assert issubclass(kind, FingerspellError) and issubclass(kind, ValueError)
    assert kind.__doc__
    error = pickle.loads(pickle.dumps(kind(found="a", expected="b", fix="c")))
    assert type(error) is kind
    assert (error.found, error.expected, error.fix) == ("a", "b", "c")
    assert str(error) == "a\n  expected: b\n  to fix:   c"
    with pytest.raises(TypeError):
        kind(found="a", expected="b")


def test_the_alphabet_has_29_classes_in_sorted_order_and_24_letters_stand_still():
    assert len(ALPHABET) == 29
    assert list(ALPHABET) == sorted(ALPHABET)
    assert "".join(ALPHABET[:26]) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert ALPHABET[26:] == ("del", "nothing", "space")
    assert set(ALPHABET[:26]) - set(labels.STATIC_LETTERS) == {"J", "Z"}


def test_class_folders_come_in_the_order_of_the_alphabet_whatever_the_disk_says():
    assert in_order(reversed([*ALPHABET, "A"])) == ALPHABET
    assert in_order(["del", "Z", "a", "A"]) == ("A", "Z", "a", "del")


def test_the_file_has_one_label_a_line_and_forgives_blanks_and_windows_line_ends(tmp_path):
    path = tmp_path / "labels.txt"
    write_labels(path, ("A", "Ä", "del"))
    assert path.read_bytes() == "A\nÄ\ndel\n".encode()
    assert read_labels(path) == ("A", "Ä", "del")
    path.write_bytes(b"A\r\n\r\n B \r\nspace")
    assert read_labels(path) == ("A", "B", "space")
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("del", ["del", "Del", "DELETE", "delete", "Backspace"]),
        ("nothing", ["nothing", "Blank", "none", "BACKGROUND", "empty"]),
        ("space", ["Space", "_", "blank space", " SPACE "]),
        ("Thank You", ["  Thank You "]),
        ("\u00c9", ["E\u0301", "\u00c9"]),
    ],
)
def test_delete_space_no_hand_and_letters_with_marks_have_one_name(label, written):
    assert {label_of(name) for name in written} == {label}


def test_small_letters_become_capitals_and_everything_else_stays_as_written():
    assert "".join(map(label_of, "abcdefghijklmnopqrstuvwxyz")) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for written in (*ALPHABET, "0", "9", "hello", "Thank You", "aa", "A1", "ñ", "_a"):
        assert label_of(written) == written
    assert set(labels.LABEL_OF.values()) <= set(ALPHABET)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_line_says_rate_and_time_left_and_divides_by_nothing() -> None:
    progress = Progress(1200, "checking", stream=io.StringIO())
    progress.done = 300
    assert _line(progress, 10.0) == "checking 300/1,200 pictures  30/s  30 s left"
    assert _line(progress, 10.0, ended=True) == "checking 300/1,200 pictures  30/s  in 10 s"
    assert _line(Progress(0, "x", "steps", io.StringIO()), 0.0) == "x 0 steps"
    assert "300/1,200 pictures  4.0 s each" in _line(progress, 1200.0)


@pytest.mark.parametrize(
    ("per_s", "text"),
    [(1200.0, "1,200 steps/s"), (2.5, "2.5 steps/s"), (0.25, "4.0 s each"), (0.04, "25 s each")],
)
def test_what_takes_seconds_is_never_said_to_come_at_nought_a_second(per_s, text):
    assert speed(per_s, "steps") == text


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


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (None, ALPHABET),
        ("A-Z", LETTERS),
        ("a-c, K ,Backspace", ("A", "B", "C", "K", "del")),
        (("space", "B", "B"), ("B", "space")),
        ("x-ray", ("x-ray",)),
        ("0-3", ("1", "2")),
    ],
)
def test_a_list_of_labels_names_them_in_their_order(asked, chosen):
    own = ("1", "2", "x-ray") if chosen[0] in ("1", "x-ray") else ALPHABET
    assert chosen_labels(asked, own) == tuple(chosen)


@pytest.mark.parametrize("asked", ["", "A,,B", "Z-A", "AA", "1-9", (), "hello"])
def test_a_list_that_names_no_label_is_refused(asked):
    with pytest.raises(errors.ConfigError) as caught:
        chosen_labels(asked, ALPHABET)
    assert "A-Z" in caught.value.fix
