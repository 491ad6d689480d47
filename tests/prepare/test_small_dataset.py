"""A few pictures beside synthetic ones."""

from collections import Counter

import pytest

from fingerspell.errors import DataError
from fingerspell.prepare.prepare import prepare_small_dataset
from helpers.synthetic_folder import alphabet, write_runs


@pytest.fixture
def folders(tmp_path):
    """(own pictures: 5 of A, 2 alike of the new class Wave; synthetic ones of A and B)."""
    mine, synthetic = tmp_path / "mine", tmp_path / "synthetic"
    alphabet(mine, "A", frames=1)
    write_runs(mine, "Wave", [100], frames=2)
    alphabet(synthetic / "train", runs=range(10, 14), frames=1)
    alphabet(synthetic / "val", runs=[20], frames=1)
    return mine, synthetic


def made(tmp_path, folders, seed=1):
    mine, synthetic = folders
    return prepare_small_dataset(mine, synthetic, tmp_path / "set", test_share=0.2, seed=seed)


def test_some_pictures_are_held_back_unless_alike_and_synthetic_ones_never_test(tmp_path, folders):
    few = made(tmp_path, folders)
    assert few.manifest.labels == ("A", "B", "Wave")
    counts = Counter((s.source == few.source, s.label, s.split) for s in few.manifest.samples)
    assert counts == {
        (True, "A", "train"): 4, (True, "A", "test"): 1, (True, "Wave", "train"): 2,
        (False, "A", "train"): 4, (False, "A", "val"): 1,
        (False, "B", "train"): 4, (False, "B", "val"): 1,
    }  # fmt: skip
    assert {s.source for s in few.manifest.samples} == {few.source, "synthetic"}


@pytest.mark.parametrize(("count", "tested"), [(3, 0), (4, 1)])
def test_of_a_class_with_few_different_pictures_none_is_held_back(tmp_path, folders, count, tested):
    for path in list((folders[0] / "A").iterdir())[count:]:
        path.unlink()
    assert len(made(tmp_path, folders).manifest.split("test")) == tested


def test_the_pictures_lie_where_the_manifest_says_and_the_input_is_untouched(tmp_path, folders):
    before = sorted(p.name for p in folders[0].rglob("*.jpg"))
    manifest = made(tmp_path, folders).manifest
    assert all(manifest.absolute(s).is_file() for s in manifest.samples)
    assert sorted(p.name for p in folders[0].rglob("*.jpg")) == before


def test_a_folder_of_ones_own_may_be_called_synthetic(tmp_path, folders):
    (tmp_path / "deep").mkdir()
    mine = folders[0].rename(tmp_path / "deep" / "synthetic")
    few = made(tmp_path, (mine, folders[1]))
    assert len([s for s in few.manifest.samples if s.source == few.source]) == 7


def test_bad_pictures_and_pictures_of_two_classes_are_left_out_and_named(tmp_path, folders):
    mine, _ = folders
    (mine / "A" / "broken.jpg").write_bytes(b"no picture")
    (mine / "B").mkdir()
    (mine / "B" / "same.jpg").write_bytes((mine / "A" / "A0.jpg").read_bytes())
    few = made(tmp_path, folders)
    assert len(few.left_out) == 3 and "broken.jpg" in few.left_out[0]
    assert sum("several classes" in told for told in few.left_out) == 2
    assert len([s for s in few.manifest.samples if s.source == few.source]) == 6


def test_without_a_usable_picture_or_inside_the_input_nothing_is_made(tmp_path, folders):
    mine, synthetic = folders
    with pytest.raises(DataError, match="inside one another"):
        prepare_small_dataset(mine, synthetic, mine / "set", test_share=0.2, seed=1)
    for path in mine.rglob("*.jpg"):
        path.write_bytes(b"no picture")
    with pytest.raises(DataError, match="none of 7 files is a usable picture"):
        made(tmp_path, folders)
    assert not (tmp_path / "set").exists() and not (mine / "set").exists()


def test_a_second_time_replaces_the_first(tmp_path, folders):
    first = made(tmp_path, folders).manifest
    assert made(tmp_path, folders).manifest.sha256 == first.sha256
    next((folders[0] / "A").iterdir()).unlink()
    assert len(made(tmp_path, folders).manifest.samples) == len(first.samples) - 1
