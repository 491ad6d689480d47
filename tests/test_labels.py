"""The one list of labels, and the file that carries its order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerspell.labels import (
    ALPHABET,
    CONTROLS,
    LABEL_OF,
    LETTERS,
    MOVING,
    STATIC_LETTERS,
    in_order,
    label_of,
    read_labels,
    write_labels,
)


def test_the_alphabet_has_29_classes_in_sorted_order():
    assert len(ALPHABET) == 29
    assert list(ALPHABET) == sorted(ALPHABET)
    assert ALPHABET[:3] == ("A", "B", "C") and ALPHABET[26:] == CONTROLS


def test_24_letters_stand_still():
    assert len(STATIC_LETTERS) == 24
    assert set(LETTERS) - set(STATIC_LETTERS) == MOVING == {"J", "Z"}


def test_class_folders_come_in_the_order_of_the_alphabet_whatever_the_disk_says():
    assert in_order(reversed([*ALPHABET, "A"])) == ALPHABET


def test_capitals_come_before_small_letters_on_every_system():
    assert in_order(["del", "Z", "a", "A"]) == ("A", "Z", "a", "del")


def test_the_file_has_one_label_a_line_and_ends_with_a_newline(tmp_path):
    path = tmp_path / "labels.txt"
    write_labels(path, ("A", "Ä", "del"))
    assert path.read_bytes() == "A\nÄ\ndel\n".encode()


def test_blank_lines_windows_line_ends_and_spaces_are_forgiven(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(b"A\r\n\r\n B \r\nspace")
    assert read_labels(path) == ("A", "B", "space")


@given(st.lists(st.text("ABCäß中_09", min_size=1), unique=True, max_size=40))
def test_what_is_written_is_read_back(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    write_labels(path, labels)
    assert read_labels(path) == tuple(labels)


def test_a_missing_file_is_not_an_empty_list(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "none.txt")


@pytest.mark.parametrize("label", ALPHABET)
def test_the_usual_labels_stay_what_they_are(label):
    assert label_of(label) == label


@pytest.mark.parametrize("written", ["del", "Del", "DELETE", "delete", "Backspace"])
def test_delete_has_one_name(written):
    assert label_of(written) == "del"


@pytest.mark.parametrize("written", ["nothing", "Blank", "none", "BACKGROUND", "empty"])
def test_no_hand_has_one_name(written):
    assert label_of(written) == "nothing"


@pytest.mark.parametrize("written", ["Space", "_", "blank space", " SPACE "])
def test_space_has_one_name(written):
    assert label_of(written) == "space"


def test_small_letters_become_capitals():
    assert "".join(map(label_of, "abcdefghijklmnopqrstuvwxyz")) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("written", ["0", "9", "hello", "Thank You", "aa", "A1", "ñ", "_a"])
def test_everything_else_stays_as_written(written):
    assert label_of(written) == written


def test_outer_blanks_go():
    assert label_of("  Thank You ") == "Thank You"


def test_the_table_only_makes_labels_of_the_alphabet():
    assert set(LABEL_OF.values()) <= set(ALPHABET)


def test_letters_with_marks_have_one_form():
    assert label_of("E\u0301") == label_of("\u00c9") == "\u00c9"
