"""A flat folder is read by the names of its files, if all of them say a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.layouts.classes import label_in
from fingerspell.prepare.scan import scan
from helpers.touched import touch


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("A", ["A_test.jpg", "A_TEST.JPG"]),
        ("nothing", ["nothing_test.jpg"]),
        ("B", ["B12.png", "B_12.png", "B-12.png", "B (12).png"]),
        ("thank_you", ["thank_you_3.jpg"]),
        ("3", ["3_12.jpg"]),
        ("ñ", ["ñ1.jpg"]),
        (None, ["A", "A.jpg", "12.jpg", "_1.jpg", "hand1_a_bot_seg_1_cropped.png"]),
        (None, ["2024-01-31.jpg", "IMG_20240131_120001.jpg"]),
        (None, ["IMG_1.jpg", "dsc-2.JPG", "PXL 3.jpg", "photo (4).png", "Win5.jpg"]),
    ],
)
def test_the_label_stands_before_the_number_or_the_word_test(
    label: str | None, names: list[str]
) -> None:
    assert {label_in(name) for name in names} == {label}


def test_the_flat_test_folder_alone_is_read_by_name(tmp_path: Path) -> None:
    root = touch(tmp_path / "asl_alphabet_test", "A_test.jpg", "space_test.jpg", "B_test.jpg")
    scanned = scan([root])
    assert [(f.label, f.path.name) for f in scanned.records] == [
        ("A", "A_test.jpg"), ("B", "B_test.jpg"), ("space", "space_test.jpg"),
    ]  # fmt: skip
    assert scanned.layouts == (("asl_alphabet_test", "names"),)


def test_it_may_be_nested_under_its_own_name(tmp_path: Path) -> None:
    inner = "asl_alphabet_test/asl_alphabet_test"
    root = touch(tmp_path / "d", f"{inner}/A_test.jpg", f"{inner}/b_test.jpg")
    for given in (root, root / "asl_alphabet_test"):
        assert [f.label for f in scan([given]).records] == ["A", "B"]


@pytest.mark.parametrize("inside", ["more/deep/1.jpg", "asl_test/C_test.jpg"])
def test_a_folder_inside_stays_out(tmp_path: Path, inside: str) -> None:
    root = touch(tmp_path / "x", "A1.jpg", "B1.jpg", inside)
    scanned = scan([root])
    assert [f.label for f in scanned.records] == ["A", "B"]
    assert [p.name for p in scanned.ignored] in (["more"], ["C_test.jpg"])


def test_a_folder_of_another_name_is_not_read_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only one folder with pictures"):
        scan([touch(tmp_path / "x", "some/where/A1.jpg", "some/where/B1.jpg")])


@pytest.mark.parametrize("names", ["A1 B1 cat", "A1 A2", "IMG_1 DSC_1", "IMG_1 A1 B1"])
def test_all_must_say_one_and_two_at_least(tmp_path: Path, names: str) -> None:
    with pytest.raises(DataError, match="no class folders"):
        scan([touch(tmp_path, *(f"{name}.jpg" for name in names.split()))])


def test_files_in_a_class_folder_are_not_read_by_name(tmp_path: Path) -> None:
    one = touch(tmp_path / "one", "A/left_1.jpg", "A/right_1.jpg")
    two = touch(tmp_path / "two", "B/1.jpg", "C/1.jpg")
    assert {f.label for f in scan([one, two]).records} == {"A", "B", "C"}
