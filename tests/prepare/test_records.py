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


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ("train/A/1.jpg test/A/2.jpg", "1.jpg 2.jpg"),
        ("x/train/A5.jpg x/train/A6.jpg x/test/A6.jpg", "train_A5.jpg train_A6.jpg test_A6.jpg"),
        ("A/x.jpg A/X.JPG A/x.JPG", "x.jpg 2_X.JPG 3_x.JPG"),
        ("A/é.jpg A/e\u0301.jpg", "é.jpg 2_e\u0301.jpg"),
        ("A/1.jpg a/1.jpg", "1_1.jpg 2_1.jpg"),
        ("1.jpg more/1.jpg", "1.jpg more_1.jpg"),
    ],
    ids=["none alike", "a series", "capitals", "accents", "folders' capitals", "the root"],
)
def test_the_folders_that_differ_stand_before_names_that_clash(paths: str, expected: str) -> None:
    assert names(*map(picture, paths.split())) == expected.split()


def test_the_same_name_in_two_classes_is_no_clash() -> None:
    assert names(picture("A/1.jpg", "A"), picture("B/1.jpg", "B")) == ["1.jpg", "1.jpg"]


def test_a_name_made_up_meets_no_other() -> None:
    found = [picture("1.jpg"), picture("a_1.jpg"), picture("a/1.jpg")]
    made = names(*found)
    assert made[:2] == ["1.jpg", "a_1.jpg"]
    assert len(set(made)) == 3


def test_rows_of_two_tables_are_told_apart_by_the_table() -> None:
    row = Row(0, 1)
    found = [picture(f"{t}.csv", part=row, name="row_00001.png") for t in ("train", "test")]
    assert names(*found) == ["train_row_00001.png", "test_row_00001.png"]


def test_what_can_be_a_folder_on_every_system_is_known() -> None:
    assert all(map(is_folder_name, ["A", "del", "Thank You", "手", "3.5"]))
    cannot = ["", "..", "../x", "a/b", "a\\b", "C:", "x\n", ".x", "x.", "a?", "x\x85", "\u2028x"]
    assert not any(map(is_folder_name, cannot))
