"""Unseen signers' pictures are opened before training, and none may be in the data set."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import Manifest, read_manifest
from fingerspell.errors import DataError
from fingerspell.prepare.examine import check_unseen_pictures
from helpers.small_run import with_hashes, write_colours


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return read_manifest(with_hashes(write_colours(tmp_path / "dataset", (2, 1, 1))))


@pytest.fixture
def others(tmp_path: Path) -> list[Path]:
    """Four pictures that the data set does not hold."""
    folder = write_colours(tmp_path / "others", (4, 4, 4)) / "test" / "nothing"
    return sorted(folder.iterdir())


def test_pictures_of_others_pass(manifest: Manifest, others: list[Path]) -> None:
    assert check_unseen_pictures("ann", others, manifest) == []


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_picture_of_any_split_is_no_stranger_whatever_it_is_called(
    manifest: Manifest, others: list[Path], split: str
) -> None:
    own = manifest.split(split)[0]
    shutil.copyfile(manifest.absolute(own), others[2])
    with pytest.raises(DataError, match="1 of 4 pictures of ann are in the data set") as caught:
        check_unseen_pictures("ann", others, manifest)
    assert others[2].name in str(caught.value) and own.path in str(caught.value)


def test_rows_without_a_hash_are_passed_over(manifest: Manifest, others: list[Path]) -> None:
    unhashed = replace(manifest, samples=tuple(replace(s, sha256="") for s in manifest.samples))
    shutil.copyfile(manifest.absolute(manifest.samples[0]), others[0])
    assert check_unseen_pictures("ann", others, unhashed) == []


def test_what_cannot_be_read_is_named_and_does_not_stop_the_rest(
    manifest: Manifest, others: list[Path]
) -> None:
    others[1].write_bytes(others[1].read_bytes()[:300])
    others[2].write_bytes(b"")
    folder = others[0].with_name("folder.jpg")
    folder.mkdir()
    absent = others[0].with_name("absent.jpg")
    bad = check_unseen_pictures("ann", [*others, folder, absent], manifest)
    assert [one.path for one in bad] == [others[1], others[2], folder, absent]
    assert all(one.reason for one in bad)
