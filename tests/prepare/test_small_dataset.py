"""A few pictures beside synthetic ones."""

from collections import Counter

import numpy as np
import pytest

from fingerspell.errors import DataError
from fingerspell.images import encode_jpeg
from fingerspell.prepare.prepare import prepare_small_dataset

SIDE_PX = 48


def scene(path, seed):
    """Writes a picture that resembles no other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 6, 3), np.uint8)
    path.write_bytes(encode_jpeg(np.kron(small, np.ones((8, 8, 1), np.uint8)), 95))


@pytest.fixture
def folders(tmp_path):
    """(own pictures: 5 of A, 2 alike of the new class Wave; synthetic ones of A and B)."""
    mine, synthetic = tmp_path / "mine", tmp_path / "synthetic"
    for number in range(5):
        scene(mine / "A" / f"{number}.jpg", number)
    for number in range(2):
        scene(mine / "Wave" / f"{number}.jpg", 100)
    for split, count in (("train", 4), ("val", 1)):
        for label in "AB":
            for number in range(count):
                scene(
                    synthetic / split / label / f"{number}.jpg",
                    ord(label) * 99 + len(split) + number,
                )
    return mine, synthetic


def made(tmp_path, folders, seed=1):
    mine, synthetic = folders
    return prepare_small_dataset(mine, synthetic, tmp_path / "set", test_share=0.2, seed=seed)


def test_every_class_of_either_folder_is_a_label(tmp_path, folders):
    assert made(tmp_path, folders).manifest.labels == ("A", "B", "Wave")


def test_some_pictures_are_held_back_and_synthetic_ones_never_test(tmp_path, folders):
    few = made(tmp_path, folders)
    counts = Counter((s.source == few.source, s.label, s.split) for s in few.manifest.samples)
    assert counts[True, "A", "train"] == 4 and counts[True, "A", "test"] == 1
    assert counts[False, "A", "train"] == 4 and counts[False, "B", "val"] == 1
    assert {s.source for s in few.manifest.split("test")} == {few.source}
    assert {s.source for s in few.manifest.split("val")} == {"synthetic"}


def test_pictures_that_are_alike_all_train(tmp_path, folders):
    few = made(tmp_path, folders)
    assert {s.split for s in few.manifest.samples if s.label == "Wave"} == {"train"}


@pytest.mark.parametrize(("count", "tested"), [(3, 0), (4, 1)])
def test_of_a_class_with_few_different_pictures_none_is_held_back(tmp_path, folders, count, tested):
    for number in range(count, 5):
        (folders[0] / "A" / f"{number}.jpg").unlink()
    assert len(made(tmp_path, folders).manifest.split("test")) == tested


def test_the_pictures_lie_where_the_manifest_says_and_the_input_is_untouched(tmp_path, folders):
    before = sorted(p.name for p in folders[0].rglob("*.jpg"))
    manifest = made(tmp_path, folders).manifest
    assert all(manifest.absolute(s).is_file() for s in manifest.samples)
    assert sorted(p.name for p in folders[0].rglob("*.jpg")) == before


def test_a_folder_of_ones_own_may_be_called_synthetic(tmp_path, folders):
    folders[0].rename(tmp_path / "x")
    (tmp_path / "deep").mkdir()
    (tmp_path / "x").rename(tmp_path / "deep" / "synthetic")
    few = made(tmp_path, (tmp_path / "deep" / "synthetic", folders[1]))
    assert len([s for s in few.manifest.samples if s.source == few.source]) == 7


def test_bad_pictures_and_pictures_of_two_classes_are_left_out_and_named(tmp_path, folders):
    mine, _ = folders
    (mine / "A" / "broken.jpg").write_bytes(b"no picture")
    (mine / "B").mkdir()
    (mine / "B" / "same.jpg").write_bytes((mine / "A" / "0.jpg").read_bytes())
    few = made(tmp_path, folders)
    assert len(few.left_out) == 3 and "broken.jpg" in few.left_out[0]
    assert sum("several classes" in told for told in few.left_out) == 2
    assert len([s for s in few.manifest.samples if s.source == few.source]) == 6


def test_without_a_usable_picture_nothing_is_made(tmp_path, folders):
    mine, synthetic = folders
    for path in mine.rglob("*.jpg"):
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="none of 7 files is a usable picture"):
        prepare_small_dataset(mine, synthetic, tmp_path / "set", test_share=0.2, seed=1)
    assert not (tmp_path / "set").exists()


def test_a_second_time_replaces_the_first(tmp_path, folders):
    first = made(tmp_path, folders).manifest
    assert made(tmp_path, folders).manifest.sha256 == first.sha256
    (folders[0] / "A" / "4.jpg").unlink()
    assert len(made(tmp_path, folders).manifest.samples) == len(first.samples) - 1


def test_the_input_must_not_lie_inside_the_output(tmp_path, folders):
    mine, synthetic = folders
    with pytest.raises(DataError, match="inside one another"):
        prepare_small_dataset(mine, synthetic, mine / "set", test_share=0.2, seed=1)
