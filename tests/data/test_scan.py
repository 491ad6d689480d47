"""Class folders are found where people have them; everything else is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.data.scan import scan
from fingerspell.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_class_folders_are_the_labels_and_the_folder_is_the_source(tmp_path: Path) -> None:
    found = scan([touch(tmp_path / "mine", "A/1.jpg", "B/2.jpg", "del/3.png")])
    assert [(f.label, f.path.name, f.source) for f in found.files] == [
        ("A", "1.jpg", "mine"),
        ("B", "2.jpg", "mine"),
        ("del", "3.png", "mine"),
    ]


def test_folders_nested_under_their_own_name_are_found(tmp_path: Path) -> None:
    nested = "asl_alphabet_train/asl_alphabet_train"
    root = touch(tmp_path, f"{nested}/A/A1.jpg", f"{nested}/B/B1.jpg")
    assert [f.label for f in scan([root / "asl_alphabet_train"]).files] == ["A", "B"]


def test_a_flat_test_folder_beside_the_classes_is_not_a_class(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "download",
        "asl_alphabet_train/asl_alphabet_train/A/A1.jpg",
        "asl_alphabet_train/asl_alphabet_train/B/B1.jpg",
        "asl_alphabet_test/asl_alphabet_test/A_test.jpg",
    )
    assert {f.label for f in scan([root]).files} == {"A", "B"}


def test_frames_keep_the_order_of_their_numbers(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/A10.jpg", "A/A9.jpg", "A/A100.jpg", "B/b.jpg")
    assert [f.path.name for f in scan([root]).files][:3] == ["A9.jpg", "A10.jpg", "A100.jpg"]


def test_hidden_files_caches_and_notes_are_no_pictures(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "x", "A/1.jpg", "A/.DS_Store", "A/Thumbs.db", "A/readme.txt", "B/1.odd",
        "__MACOSX/A/1.jpg", ".git/A/1.jpg",
    )  # fmt: skip
    assert [f.path.name for f in scan([root]).files] == ["1.jpg", "1.odd"]


def test_folders_that_are_passed_over_are_told(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", "A/deeper/2.jpg")
    (root / "C").mkdir()
    assert {p.name for p in scan([root]).ignored} == {"C", "deeper"}


def test_each_input_folder_is_its_own_source_even_with_the_same_name(tmp_path: Path) -> None:
    one = touch(tmp_path / "one" / "hands", "A/1.jpg", "B/1.jpg")
    two = touch(tmp_path / "two" / "hands", "A/1.jpg", "B/1.jpg")
    assert {f.source for f in scan([one, two]).files} == {"hands", "hands_2"}


def test_a_folder_of_sources_is_refused_and_names_them(tmp_path: Path) -> None:
    root = touch(tmp_path / "data", "anna/A/1.jpg", "anna/B/1.jpg", "ben/A/1.jpg", "ben/B/1.jpg")
    with pytest.raises(DataError, match="2 folders with classes of their own") as caught:
        scan([root])
    assert f"--input_dir {root / 'anna'} {root / 'ben'}" in caught.value.fix


def test_a_folder_that_is_split_already_is_refused_with_the_way_on(tmp_path: Path) -> None:
    root = touch(tmp_path / "d", *(f"{s}/{c}/1.jpg" for s in ("train", "valid") for c in "AB"))
    with pytest.raises(DataError, match="split already") as caught:
        scan([root])
    assert "--dataset_dir" in caught.value.fix


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), "no pictures"),
        (("1.jpg", "2.jpg"), "2 files but no class folders"),
        (("A/1.jpg",), "only the class A"),
        (("x/y/A/1.jpg",), "no pictures"),
    ],
)
def test_folders_that_make_no_classes_are_refused(
    tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        scan([touch(tmp_path, *names)])


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        scan([tmp_path / "gone"])
    with pytest.raises(DataError, match="is a file"):
        scan([touch(tmp_path, "a.zip") / "a.zip"])
