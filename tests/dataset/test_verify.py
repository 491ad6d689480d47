"""A picture that is not what prepare saw stops training, evaluation and everything after."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.dataset.manifest import HELD_OUT, Manifest, Sample, read_manifest, to_csv, verify
from fingerspell.errors import DataError


def data_set(folder: Path, per_class: int = 2) -> Manifest:
    samples = []
    for split in ("train", "val", "test", f"{HELD_OUT}/other"):
        for label in "AB":
            for number in range(per_class):
                path = f"{split}/{label}/{number}.jpg"
                data = path.encode()
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(data)
                sha256, home = hashlib.sha256(data).hexdigest(), split.partition("/")[0]
                samples.append(Sample(path, label, home, path, "other", sha256, "", 4, 5))
    (folder / "manifest.csv").write_text(to_csv(samples), encoding="utf-8", newline="\n")
    return read_manifest(folder)


def test_what_prepare_wrote_passes_and_is_counted(tmp_path: Path) -> None:
    assert verify(data_set(tmp_path)) == 16


@pytest.mark.parametrize("split", ["train", "val", "test", "unseen_signers/other"])
def test_one_changed_byte_anywhere_is_named(tmp_path: Path, split: str) -> None:
    manifest = data_set(tmp_path)
    (tmp_path / split / "B" / "1.jpg").write_bytes(b"another hand")
    with pytest.raises(DataError, match=rf"1 of 16 pictures .*{split}/B/1\.jpg") as error:
        verify(manifest)
    assert "--overwrite" in error.value.fix and "--trust" in error.value.fix


def test_a_picture_of_the_same_length_and_time_is_no_disguise(tmp_path: Path) -> None:
    import os

    manifest, path = data_set(tmp_path), tmp_path / "train" / "A" / "0.jpg"
    status = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(DataError, match=r"train/A/0\.jpg"):
        verify(manifest)


def test_a_picture_that_went_missing_counts_as_changed(tmp_path: Path) -> None:
    manifest = data_set(tmp_path)
    (tmp_path / "val" / "A" / "0.jpg").unlink()
    with pytest.raises(DataError, match=r"val/A/0\.jpg"):
        verify(manifest)


def test_the_first_are_named_in_order_and_the_rest_counted(tmp_path: Path) -> None:
    manifest = data_set(tmp_path, per_class=150)
    for path in (tmp_path / "train").rglob("*.jpg"):
        path.write_bytes(b"")
    first = "train/A/0.jpg, train/A/1.jpg, train/A/2.jpg, …"
    with pytest.raises(DataError) as error:
        verify(manifest)
    assert error.value.found.startswith("300 of 1,200 pictures")
    assert error.value.found.endswith(first)


def test_only_the_splits_asked_for_are_read(tmp_path: Path) -> None:
    manifest = data_set(tmp_path)
    (tmp_path / "train" / "A" / "0.jpg").write_bytes(b"")
    assert verify(manifest, ("test", HELD_OUT)) == 8


def test_rows_without_a_hash_are_passed_over(tmp_path: Path) -> None:
    manifest = data_set(tmp_path)
    unknown = tuple(replace(s, sha256="") for s in manifest.samples)
    (tmp_path / "train" / "A" / "0.jpg").write_bytes(b"")
    assert verify(replace(manifest, samples=unknown)) == 0


def test_files_that_the_manifest_does_not_name_do_no_harm(tmp_path: Path) -> None:
    manifest = data_set(tmp_path)
    (tmp_path / "train" / "A" / "stray.jpg").write_bytes(b"never read")
    assert verify(manifest) == 16
    assert all("stray" not in s.path for s in read_manifest(tmp_path).samples)
