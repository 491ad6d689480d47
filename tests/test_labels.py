"""The one list of labels, and the file that carries its order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fingerspell import labels
from fingerspell.labels import ALPHABET, in_order, label_of, read_labels, write_labels


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
    path.write_bytes(b"A\r\n\r\n B \r\nspace")
    assert read_labels(path) == ("A", "B", "space")
    with pytest.raises(FileNotFoundError):
        read_labels(tmp_path / "none.txt")


@given(st.lists(st.text("ABCäß中_09", min_size=1), unique=True, max_size=40))
def test_what_is_written_is_read_back(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("labels") / "labels.txt"
    write_labels(path, names)
    assert read_labels(path) == tuple(names)


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
