"""Pictures called alike get names and places of their own, the others keep theirs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import HELD_OUT
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.prepare import _samples_of, _write_pictures
from fingerspell.prepare.records import Box, Record, Row, distinct, is_folder_name, same_name

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
        ("1.jpg a_1.jpg a/1.jpg", "1.jpg a_1.jpg 2_a_1.jpg"),
    ],
    ids=[
        "none alike",
        "a series",
        "capitals",
        "accents",
        "folders' capitals",
        "the root",
        "made up",
    ],
)
def test_the_folders_that_differ_stand_before_names_that_clash(paths: str, expected: str) -> None:
    assert names(*map(picture, paths.split())) == expected.split()


def test_the_same_name_in_two_classes_is_no_clash() -> None:
    assert names(picture("A/1.jpg", "A"), picture("B/1.jpg", "B")) == ["1.jpg", "1.jpg"]


def test_rows_of_two_tables_are_told_apart_by_the_table() -> None:
    row = Row(0, 1)
    found = [picture(f"{t}.csv", part=row, name="row_00001.png") for t in ("train", "test")]
    assert names(*found) == ["train_row_00001.png", "test_row_00001.png"]


def test_what_can_be_a_folder_on_every_system_is_known() -> None:
    assert all(map(is_folder_name, ["A", "del", "Thank You", "手", "3.5"]))
    cannot = ["", "..", "../x", "a/b", "a\\b", "C:", "x\n", ".x", "x.", "a?", "x\x85", "\u2028x"]
    assert not any(map(is_folder_name, cannot))


def opened(source: str, name: str, label: str = "A") -> Picture:
    return Picture(Record(Path(source) / label / name, label, source, 1, 1), "", "", 8, 8)


def places(*pictures: Picture, split: str = "train") -> list[str]:
    samples = _samples_of(pictures, [""] * len(pictures), [split] * len(pictures))
    return [sample.path for sample in samples]


def test_names_of_one_source_stay_and_of_several_begin_with_theirs() -> None:
    assert places(opened("a", "1.jpg")) == ["train/A/1.jpg"]
    two = opened("a", "1.jpg"), opened("b", "1.jpg")
    assert places(*two) == ["train/A/a__1.jpg", "train/A/b__1.jpg"]
    assert places(*two, split=HELD_OUT) == ["unseen_signers/a/A/1.jpg", "unseen_signers/b/A/1.jpg"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("a", "b__1.jpg"), ("a__b", "1.jpg")),
        (("a", "B__1.JPG"), ("a__b", "1.jpg")),
        (("a", "\u00c9__1.jpg"), ("a__E\u0301", "1.jpg")),
        (("s" * 249 + "1", "1.jpg"), ("s" * 249 + "2", "1.jpg")),
    ],
    ids=["the same", "capitals", "accents", "cut to the same"],
)
def test_two_that_would_lie_in_one_place_are_told_apart_and_no_other_is_renamed(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    clash = opened(*first), opened(*second)
    mark = places(*clash)[0].removeprefix(f"train/A/{first[0]}__")
    found = places(*clash, opened("c", "1.jpg"), opened(first[0], mark))
    assert len({same_name(place) for place in found}) == 4, "also from one called like a mark"
    assert found[2] == "train/A/c__1.jpg"
    assert [place.rpartition(".")[2].lower() for place in found] == ["jpg"] * 4


def test_the_order_of_the_pictures_decides_nothing() -> None:
    pictures = [opened("a", "b__1.jpg"), opened("a__b", "1.jpg"), opened("a", "x" * 250)]
    assert places(*pictures) == places(*pictures[::-1])[::-1]
    assert places(*pictures) == places(*pictures)


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "\u4e2d" * 83 + ".jpg", "x." + "y" * 250])
def test_a_name_that_is_too_long_with_its_source_is_cut_and_stays_its_own(name: str) -> None:
    assert places(opened("one", name)) == [f"train/A/{name}"]
    other = name.replace("x.", "z.", 1).replace("\u4e2d.", "\u4e2e.")
    found = places(opened("one", name), opened("one", other), opened("two", "1.jpg"))
    names = [place.rpartition("/")[2] for place in found]
    assert all(len(name.encode()) <= 255 for name in names)
    assert len(set(names)) == 3
    assert all(name.endswith(".jpg") or "y" in name for name in names)


@pytest.mark.skipif(os.name == "nt", reason="its paths are shorter")
def test_what_is_cut_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = [opened("one", "x" * 251 + ".jpg"), opened("two", "1.jpg")]
    for each in pictures:
        each.file.path.parent.mkdir(parents=True)
        each.file.path.write_bytes(each.file.source.encode())
    samples = _samples_of(pictures, ["", ""], ["train", "train"])
    _write_pictures(tmp_path / "dataset", samples, pictures)
    assert [(tmp_path / "dataset" / s.path).read_bytes() for s in samples] == [b"one", b"two"]
