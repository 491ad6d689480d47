"""Class folders are found where people have them; everything else is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.records import Record, Renamed
from fingerspell.prepare.scan import _source_names, scan
from helpers.touched import touch

NESTED = "asl_alphabet_train/asl_alphabet_train"


def labels(files: tuple[Record, ...]) -> list[str]:
    return [f.label for f in files]


def test_class_folders_are_the_labels_and_the_folder_is_the_source(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "mine", "A/1.jpg", "B/2.jpg", "del/3.png")])
    assert [(f.label, f.path.name, f.source, f.split) for f in scanned.records] == [
        ("A", "1.jpg", "mine", ""),
        ("B", "2.jpg", "mine", ""),
        ("del", "3.png", "mine", ""),
    ]
    assert scanned.layouts == (("mine", "class folders"),)
    assert scanned.renamed == scanned.unusable == scanned.ignored == ()


def test_size_and_time_are_those_of_the_file(tmp_path: Path) -> None:
    file = scan([touch(tmp_path / "mine", "A/1.jpg", "B/2.jpg")]).records[0]
    status = file.path.stat()
    assert (file.size_bytes, file.mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_folders_nested_under_their_own_name_are_found(tmp_path: Path) -> None:
    root = touch(tmp_path, f"{NESTED}/A/A1.jpg", f"{NESTED}/B/B1.jpg")
    assert labels(scan([root / "asl_alphabet_train"]).records) == ["A", "B"]


@pytest.mark.parametrize("test", ["asl_alphabet_test/asl_alphabet_test", "asl_alphabet_test"])
@pytest.mark.parametrize("names", [("A_test.jpg",), ("A_test.jpg", "space_test.jpg")])
def test_a_whole_download_gives_its_train_part_and_says_why(
    tmp_path: Path, test: str, names: tuple[str, ...]
) -> None:
    pictures = (f"{NESTED}/A/A1.jpg", f"{NESTED}/B/B1.jpg", *(f"{test}/{n}" for n in names))
    scanned = scan([touch(tmp_path / "download", *pictures)])
    assert [(f.label, f.split) for f in scanned.records] == [("A", ""), ("B", "")]
    assert [p.name for p in scanned.ignored] == list(names)
    assert f"{len(names)} test pictures" in scanned.layouts[0][1]
    assert "copies of training pictures" in scanned.layouts[0][1]


def test_a_flat_test_folder_right_beside_the_classes_is_not_a_class(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", "test/x.jpg", "asl_test/A_test.jpg")
    scanned = scan([root])
    assert labels(scanned.records) == ["A", "B"]
    assert {p.name for p in scanned.ignored} == {"x.jpg", "A_test.jpg"}


def test_an_own_sign_may_speak_of_training(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "A/1.jpg", "train_station/train_station_1.jpg")])
    assert labels(scanned.records) == ["A", "train_station"]


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [
        ("train", "val", "test"),
        ("Train", "VALID", "TEST"),
        ("training", "validation", "testing"),
        ("asl_train", "asl_val", "asl_test"),
        ("train/train", "valid/valid", "test/asl"),
        ("deep/in/train", "deep/in/val", "deep/in/test"),
    ],
)
def test_ready_made_splits_are_kept_in_mind(
    tmp_path: Path, train: str, val: str, test: str
) -> None:
    names = [f"{s}/{c}/{c}{i}.jpg" for i, s in enumerate((train, val, test)) for c in "AB"]
    scanned = scan([touch(tmp_path / "x", *names)])
    assert [(f.label, f.split, f.file_name) for f in scanned.records] == [
        (c, s, f"{c}{i}.jpg") for c in "AB" for i, s in enumerate(("train", "val", "test"))
    ]
    assert scanned.layouts[0][1] == "ready-made splits"


def test_a_split_may_hold_one_class_only(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "train/A/1.jpg", "train/B/2.jpg", "test/B/3.jpg")
    assert [f.split for f in scan([root]).records] == ["train", "train", "test"]


def test_a_train_folder_alone_is_not_split(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "train/A/1.jpg", "train/B/2.jpg", "readme.md")
    scanned = scan([root])
    assert {f.split for f in scanned.records} == {""}
    assert scanned.layouts[0][1] == "class folders"


def test_the_same_name_in_two_splits_is_told_apart(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "train/A/1.jpg", "test/A/1.jpg", "train/B/1.jpg", "test/B/2.jpg")
    assert [f.file_name for f in scan([root]).records] == [
        "train_1.jpg", "test_1.jpg", "1.jpg", "2.jpg",
    ]  # fmt: skip


def test_splits_beside_classes_are_refused(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", *(f"{s}{c}/1.jpg" for s in ("", "train/", "test/") for c in "AB"))
    with pytest.raises(DataError, match="side by side"):
        scan([root])


def test_classes_are_renamed_by_the_table_and_it_is_told(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "a/1.jpg", "Delete/1.jpg", "blank/1.jpg", "hello/1.jpg")
    scanned = scan([root])
    assert labels(scanned.records) == ["A", "del", "hello", "nothing"]
    assert set(scanned.renamed) == {
        Renamed("x", "a", "A"),
        Renamed("x", "Delete", "del"),
        Renamed("x", "blank", "nothing"),
    }


def test_folders_that_mean_one_class_are_one(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "a/1.jpg", "A /1.jpg", "B/1.jpg")])
    assert labels(scanned.records) == ["A", "A", "B"]
    assert len({(f.label, f.file_name.casefold()) for f in scanned.records}) == 3


def test_a_class_folder_without_a_name_is_listed(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", " /1.jpg")])
    assert labels(scanned.records) == ["A", "B"]
    assert [bad.reason for bad in scanned.unusable] == ["a class folder without a name"]


def test_own_signs_that_differ_in_capitals_only_are_refused(tmp_path: Path) -> None:
    one, two = touch(tmp_path / "1", "Hi/1.jpg"), touch(tmp_path / "2", "hi/1.jpg")
    with pytest.raises(DataError, match="the classes Hi and hi"):
        scan([one, two])


def test_frames_keep_the_order_of_their_numbers(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/A10.jpg", "A/A9.jpg", "A/A100.jpg", "B/b.jpg")
    assert [f.path.name for f in scan([root]).records][:3] == ["A9.jpg", "A10.jpg", "A100.jpg"]


def test_any_name_has_its_place_in_the_order(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/²1.jpg", "A/01.jpg", "A/1.jpg", "A/ä ё 手.jpg", "B/b.jpg")
    names = [f.path.name for f in scan([root]).records]
    assert names == ["01.jpg", "1.jpg", "²1.jpg", "ä ё 手.jpg", "b.jpg"]


def test_hidden_files_caches_and_notes_are_no_pictures(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "x", "A/1.jpg", "A/.DS_Store", "A/Thumbs.db", "A/readme.txt", "B/1.odd",
        "__MACOSX/A/1.jpg", ".git/A/1.jpg",
    )  # fmt: skip
    assert [f.path.name for f in scan([root]).records] == ["1.jpg", "1.odd"]


def test_folders_that_are_passed_over_are_told(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "x", "A/1.jpg", "B/1.jpg", "A/deeper/2.jpg", "loose.jpg", "more/C/1.jpg",
        "more/D/1.jpg",
    )  # fmt: skip
    (root / "C").mkdir()
    assert {p.name for p in scan([root]).ignored} == {"C", "deeper", "loose.jpg", "more"}


def test_each_input_folder_is_its_own_source_even_with_the_same_name(tmp_path: Path) -> None:
    one = touch(tmp_path / "one" / "hands", "A/1.jpg", "B/1.jpg")
    two = touch(tmp_path / "two" / "Hands", "A/1.jpg", "B/1.jpg")
    assert {f.source for f in scan([one, two]).records} == {"hands", "Hands_2"}


def test_a_source_may_add_to_one_class_only(tmp_path: Path) -> None:
    one = touch(tmp_path / "one", "A/1.jpg", "B/1.jpg")
    two = touch(tmp_path / "two", "nothing/1.jpg")
    assert labels(scan([one, two]).records) == ["A", "B", "nothing"]


def test_a_folder_of_sources_is_refused_and_names_them(tmp_path: Path) -> None:
    root = touch(tmp_path / "data", "anna/A/1.jpg", "anna/B/1.jpg", "ben/A/1.jpg", "ben/B/1.jpg")
    with pytest.raises(DataError, match="2 folders with classes of their own") as caught:
        scan([root])
    assert f"--input_dir {root / 'anna'} {root / 'ben'}" in caught.value.fix


def test_pictures_one_folder_too_deep_are_to_be_moved_up(tmp_path: Path) -> None:
    root = touch(tmp_path / "deep", *(f"{c}/{who}/1.jpg" for c in "AB" for who in ("ann", "ben")))
    with pytest.raises(DataError) as caught:
        scan([root])
    assert "up, right into its folder" in caught.value.fix


def test_signers_called_by_letters_are_sources(tmp_path: Path) -> None:
    root = touch(tmp_path / "five", *(f"{who}/{c}/1.jpg" for who in "AB" for c in "abc"))
    with pytest.raises(DataError) as caught:
        scan([root])
    assert f"--input_dir {root / 'A'} {root / 'B'}" in caught.value.fix


def test_of_many_sources_the_first_few_are_named(tmp_path: Path) -> None:
    root = touch(tmp_path / "data", *(f"p{n}/{c}/1.jpg" for n in range(1, 9) for c in "AB"))
    with pytest.raises(
        DataError, match=r"8 folders.*: p1, p2, p3, p4, p5, p6 and 2 more"
    ) as caught:
        scan([root])
    assert caught.value.fix.endswith(f"{root / 'p2'} {root / 'p3'} …")


def test_sources_that_are_split_already_are_named_whole(tmp_path: Path) -> None:
    names = [f"{who}/{s}/{c}/1.jpg" for who in "xy" for s in ("train", "test") for c in "AB"]
    root = touch(tmp_path / "data", *names)
    with pytest.raises(DataError) as caught:
        scan([root])
    assert f"--input_dir {root / 'x'} {root / 'y'}" in caught.value.fix


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), "no pictures"),
        (("1.jpg", "2.jpg"), "2 files but no class folders"),
        (("A/1.jpg",), "only the class A"),
        (("x/y/A/1.jpg",), "only one folder with pictures, .*A"),
        (("train/1.jpg", "valid/2.jpg"), "pictures without class folders in train, valid"),
        (("x/1/a.jpg", "y/2/b.jpg", "z/c.txt"), "2 files but no class folders"),
    ],
)
def test_folders_that_make_no_classes_are_refused(
    tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        scan([touch(tmp_path, *names)])


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("train/1.jpg", "train/_annotations.coco.json", "valid/2.jpg"), "COCO"),
        (("train2017/1.jpg", "val2017/2.jpg", "annotations/instances_train2017.json"), "COCO"),
        (("train/1.jpg", "train/1.xml", "valid/2.jpg", "valid/2.xml"), "Pascal VOC"),
        (("JPEGImages/1.jpg", "Annotations/1.xml"), "Pascal VOC"),
        (("train/1.jpg", "train/_annotations.csv"), "TensorFlow object detection CSV"),
        (("train/1.jpg", "train/_classes.csv"), "multi-label CSV"),
        (("train/images/1.jpg", "train/labels/1.txt"), "YOLO without a data.yaml that names"),
    ],
)
def test_other_annotations_are_named_and_sent_to_yolo(
    tmp_path: Path, names: tuple[str, ...], kind: str
) -> None:
    with pytest.raises(DataError, match=f"format {kind}") as caught:
        scan([touch(tmp_path, *names)])
    assert "export as YOLO" in caught.value.fix


def test_annotations_beside_class_folders_do_no_harm(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "A/1.xml", "B/1.jpg", "instances_all.json")
    assert labels(scan([root]).records) == ["A", "B"]


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        scan([tmp_path / "gone"])
    with pytest.raises(DataError, match="is a file"):
        scan([touch(tmp_path, "a.zip") / "a.zip"])


def test_the_folder_may_be_named_relative_to_the_current_one(tmp_path: Path, monkeypatch) -> None:
    root = touch(tmp_path / "here", "train/A/1.jpg", "test/A/1.jpg", "train/B/2.jpg")
    monkeypatch.chdir(root)
    scanned = scan([Path()])
    assert {f.source for f in scanned.records} == {"here"}
    assert [f.file_name for f in scanned.records] == ["train_1.jpg", "test_1.jpg", "2.jpg"]


def test_a_class_in_a_folder_of_its_own_name_is_taken_beside_flat_ones(tmp_path: Path) -> None:
    scanned = scan([touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", "C/c/1.jpg", "hi/hi/hi/1.jpg")])
    assert labels(scanned.records) == ["A", "B", "C", "hi"]
    assert scanned.ignored == ()


def test_it_is_taken_in_ready_made_splits_too(tmp_path: Path) -> None:
    names = ("train/A/1.jpg", "train/B/B/1.jpg", "test/A/A/1.jpg", "test/B/1.jpg")
    scanned = scan([touch(tmp_path / "x", *names)])
    assert [(f.label, f.split) for f in scanned.records] == [
        ("A", "train"), ("A", "test"), ("B", "train"), ("B", "test"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "deeper", [("C/left/1.jpg", "C/right/1.jpg"), ("C/C/1.jpg", "C/D/1.jpg"), ("C/other/1.jpg",)]
)
def test_a_usual_class_with_pictures_further_down_is_refused_and_not_missed(
    tmp_path: Path, deeper: tuple[str, ...]
) -> None:
    with pytest.raises(DataError, match=r"no pictures right in the class folder .*C, but some in"):
        scan([touch(tmp_path / "x", "A/1.jpg", "B/1.jpg", *deeper)])


def test_an_empty_class_folder_is_no_obstacle(tmp_path: Path) -> None:
    root = touch(tmp_path / "x", "A/1.jpg", "B/1.jpg")
    (root / "C" / "C").mkdir(parents=True)
    assert labels(scan([root]).records) == ["A", "B"]


def test_two_ways_to_write_a_letter_with_a_mark_are_one_class(tmp_path: Path) -> None:
    one = touch(tmp_path / "one", "\u00c9/1.jpg", "A/1.jpg")
    two = touch(tmp_path / "two", "E\u0301/2.jpg", "A/2.jpg")
    scanned = scan([one, two])
    assert sorted(set(labels(scanned.records))) == ["A", "\u00c9"]
    assert scanned.renamed == ()


@pytest.mark.parametrize(("name", "source"), [(".webcam2", "webcam2"), ("...x", "x")])
def test_a_hidden_folder_is_no_hidden_source(tmp_path: Path, name: str, source: str) -> None:
    touch(tmp_path / name, "A/1.jpg")
    assert _source_names([tmp_path / name, tmp_path / "x"]) == [
        source, "x_2" if source == "x" else "x",
    ]  # fmt: skip


def test_a_table_whose_rows_are_all_broken_says_how(tmp_path: Path) -> None:
    table = tmp_path / "sign_mnist_train.csv"
    table.write_text("label,pixel1\n1,2\nx,y\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no usable picture among 2, first .*line 2"):
        scan([table])
