"""A flat folder is read by the names of its files, if all of them say a class."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.layouts.classes import _label_in
from fingerspell.prepare.scan import scan
from helpers.touched import touch


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("A_test.jpg", "A"),
        ("nothing_test.jpg", "nothing"),
        ("A_TEST.JPG", "A"),
        ("B12.png", "B"),
        ("B_12.png", "B"),
        ("B-12.png", "B"),
        ("B (12).png", "B"),
        ("thank_you_3.jpg", "thank_you"),
        ("3_12.jpg", "3"),
        ("ñ1.jpg", "ñ"),
        ("A", None),
        ("A.jpg", None),
        ("12.jpg", None),
        ("_1.jpg", None),
        ("IMG_20240131_120001.jpg", None),
        ("hand1_a_bot_seg_1_cropped.png", None),
        ("2024-01-31.jpg", None),
    ],
)
def test_the_label_stands_before_the_number_or_the_word_test(name: str, label: str | None) -> None:
    assert _label_in(name) == label


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


@pytest.mark.parametrize("names", [("A1.jpg", "B1.jpg", "cat.jpg"), ("A1.jpg", "A2.jpg")])
def test_all_must_say_one_and_two_at_least(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="no class folders"):
        scan([touch(tmp_path, *names)])


def test_files_in_a_class_folder_are_not_read_by_name(tmp_path: Path) -> None:
    one = touch(tmp_path / "one", "A/left_1.jpg", "A/right_1.jpg")
    two = touch(tmp_path / "two", "B/1.jpg", "C/1.jpg")
    assert {f.label for f in scan([one, two]).records} == {"A", "B", "C"}


@pytest.mark.parametrize(
    "name", ["IMG_1.jpg", "dsc-2.JPG", "PXL 3.jpg", "photo (4).png", "Win5.jpg"]
)
def test_what_a_camera_calls_every_picture_is_no_class(tmp_path: Path, name: str) -> None:
    assert _label_in(name) is None
    with pytest.raises(DataError, match="no class folders"):
        scan([touch(tmp_path, name, "A1.jpg", "B1.jpg")])


def test_the_pictures_of_two_cameras_are_no_two_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no class folders"):
        scan([touch(tmp_path, "IMG_1.jpg", "DSC_1.jpg")])
