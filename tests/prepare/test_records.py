"""Pictures called alike get names of their own, the others keep theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.prepare.records import Box, Record, Row, distinct, is_folder_name

ROOT = Path("root")


def picture(path: str, label: str = "A", part: Box | Row | None = None, name: str = "") -> Record:
    return Record(ROOT / path, label, "s", 1, 1, "", part, name)


def names(*found: Record) -> list[str]:
    return [item.file_name for item in distinct(found, ROOT)]


def test_names_that_differ_are_kept() -> None:
    found = [picture("train/A/1.jpg"), picture("test/A/2.jpg")]
    assert distinct(found, ROOT) == found


def test_the_same_name_in_two_classes_is_no_clash() -> None:
    assert names(picture("A/1.jpg", "A"), picture("B/1.jpg", "B")) == ["1.jpg", "1.jpg"]


def test_the_folder_that_differs_stands_in_front_of_the_whole_series() -> None:
    found = [picture("x/train/A/A5.jpg"), picture("x/train/A/A6.jpg"), picture("x/test/A/A6.jpg")]
    assert names(*found) == ["train_A5.jpg", "train_A6.jpg", "test_A6.jpg"]


def test_names_that_differ_in_capitals_only_clash() -> None:
    found = [picture(f"A/{name}") for name in ("x.jpg", "X.JPG", "x.JPG")]
    assert names(*found) == ["x.jpg", "2_X.JPG", "3_x.JPG"]


def test_two_ways_to_write_an_accent_clash() -> None:
    one, two = names(picture("A/é.jpg"), picture("A/e\u0301.jpg"))
    assert (one, two) == ("é.jpg", "2_e\u0301.jpg")


def test_folders_that_differ_in_capitals_only_are_numbered() -> None:
    assert names(picture("A/1.jpg"), picture("a/1.jpg")) == ["1_1.jpg", "2_1.jpg"]


def test_a_picture_in_the_folder_itself_and_one_below() -> None:
    assert names(picture("1.jpg"), picture("more/1.jpg")) == ["1.jpg", "more_1.jpg"]


def test_a_name_made_up_meets_no_other() -> None:
    found = [picture("1.jpg"), picture("a_1.jpg"), picture("a/1.jpg")]
    made = names(*found)
    assert made[:2] == ["1.jpg", "a_1.jpg"]
    assert len(set(made)) == 3


def test_rows_of_two_tables_are_told_apart_by_the_table() -> None:
    row = Row(0, 1)
    found = [picture(f"{t}.csv", part=row, name="row_00001.png") for t in ("train", "test")]
    assert names(*found) == ["train_row_00001.png", "test_row_00001.png"]


@pytest.mark.parametrize(
    "label", ["", "..", "../x", "a/b", "a\\b", "C:", "x\n", ".x", "x.", "a?", "x\x85", "\u2028x"]
)
def test_what_cannot_be_a_folder_is_known(label: str) -> None:
    assert not is_folder_name(label)


@pytest.mark.parametrize("label", ["A", "del", "Thank You", "手", "3.5"])
def test_what_can_be_a_folder_is_known(label: str) -> None:
    assert is_folder_name(label)
