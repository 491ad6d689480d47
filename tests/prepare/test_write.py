"""Every picture gets a place of its own in the data set, under a name that every system holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import HELD_OUT
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.prepare import samples_of, write_pictures
from fingerspell.prepare.records import Record, same_name


def picture(source: str, name: str, label: str = "A") -> Picture:
    return Picture(Record(Path(source) / label / name, label, source, 1, 1), "", "", 8, 8)


def places(*pictures: Picture, split: str = "train") -> list[str]:
    samples = samples_of(pictures, [""] * len(pictures), [split] * len(pictures))
    return [sample.path for sample in samples]


def test_names_of_one_source_stay_and_of_several_begin_with_theirs() -> None:
    assert places(picture("a", "1.jpg")) == ["train/A/1.jpg"]
    two = picture("a", "1.jpg"), picture("b", "1.jpg")
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
    clash = picture(*first), picture(*second)
    mark = places(*clash)[0].removeprefix(f"train/A/{first[0]}__")
    found = places(*clash, picture("c", "1.jpg"), picture(first[0], mark))
    assert len({same_name(place) for place in found}) == 4, "also from one called like a mark"
    assert found[2] == "train/A/c__1.jpg"
    assert [place.rpartition(".")[2].lower() for place in found] == ["jpg"] * 4


def test_the_order_of_the_pictures_decides_nothing() -> None:
    pictures = [picture("a", "b__1.jpg"), picture("a__b", "1.jpg"), picture("a", "x" * 250)]
    assert places(*pictures) == places(*pictures[::-1])[::-1]
    assert places(*pictures) == places(*pictures)


@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "\u4e2d" * 83 + ".jpg", "x." + "y" * 250])
def test_a_name_that_is_too_long_with_its_source_is_cut_and_stays_its_own(name: str) -> None:
    assert places(picture("one", name)) == [f"train/A/{name}"]
    other = name.replace("x.", "z.", 1).replace("\u4e2d.", "\u4e2e.")
    found = places(picture("one", name), picture("one", other), picture("two", "1.jpg"))
    names = [place.rpartition("/")[2] for place in found]
    assert all(len(name.encode()) <= 255 for name in names)
    assert len(set(names)) == 3
    assert all(name.endswith(".jpg") or "y" in name for name in names)


@pytest.mark.skipif(os.name == "nt", reason="its paths are shorter")
def test_what_is_cut_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = [picture("one", "x" * 251 + ".jpg"), picture("two", "1.jpg")]
    for each in pictures:
        each.file.path.parent.mkdir(parents=True)
        each.file.path.write_bytes(each.file.source.encode())
    samples = samples_of(pictures, ["", ""], ["train", "train"])
    write_pictures(tmp_path / "dataset", samples, pictures)
    assert [(tmp_path / "dataset" / s.path).read_bytes() for s in samples] == [b"one", b"two"]
