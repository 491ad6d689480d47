"""Folders of other people, matched to the recogniser by name."""

from pathlib import Path

import numpy as np
import pytest

from fingerspell import images
from fingerspell.errors import DataError, PictureError
from fingerspell.evaluate.unseen_signers import (
    by_name,
    find_unseen_signers,
    predict_files,
    unseen_signers_of,
    without,
)
from helpers.endings import NO_PICTURES, picture, touch_all

LABELS = ("A", "B", "nothing")


def paint(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.encode_jpeg(np.full((20, 20, 3), value, np.uint8)))
    return path


def by_brightness(batch: np.ndarray) -> np.ndarray:
    """Dark is A, medium B, bright nothing."""
    number = np.clip((batch.max(axis=(1, 2, 3)) * 3).astype(int), 0, 2)
    return np.eye(3, dtype=np.float32)[number]


def test_classes_are_matched_by_name_and_pictures_of_every_format_are_listed_and_read(tmp_path):
    names = ("1.avif", "2.heic", "3.HEIF", "4.jfif")
    noise = [*(f"A/{name}" for name in NO_PICTURES), "__MACOSX/B/1.jpg", ".cache/1.jpg"]
    touch_all(tmp_path / "people", [*(f"A/{name}" for name in names), *noise])
    for name in names:
        content = picture(Path(name).suffix, (10, 10, 10))
        (tmp_path / "people" / "A" / name).write_bytes(content)
    for name in ("b/ann/1.jpg", "7/1.jpg", "7/2.jpg", "loose.jpg"):
        paint(tmp_path / "people" / name, 128)
    found = find_unseen_signers(tmp_path / "people", LABELS)
    assert (found.name, found.unknown) == ("people", {".": 1, "7": 2})
    assert [path.name for path in found.others] == sorted(NO_PICTURES)
    assert [path.name for path in found.paths] == [*names, "1.jpg"]
    assert found.y_true.tolist() == [0, 0, 0, 0, 1]
    assert predict_files(by_brightness, found.paths, (16, 16)).argmax(axis=1).tolist() == [
        0,
        0,
        0,
        0,
        1,
    ]


def test_folders_are_read_by_the_same_table_of_names(tmp_path):
    touch_all(tmp_path, ["delete/1.jpg", "Blank/1.jpg", "b/1.jpg"])
    found = find_unseen_signers(tmp_path, ("B", "del", "nothing"))
    assert sorted(found.y_true.tolist()) == [0, 1, 2]
    assert found.unknown == {}


@pytest.mark.parametrize("inside", [[], ["7/1.jpg"], ["A/notes.txt"]])
def test_a_missing_folder_and_one_without_known_classes_are_refused(tmp_path, inside):
    for name in inside:
        paint(tmp_path / name, 10)
    with pytest.raises(DataError, match="no pictures of A, B, nothing"):
        find_unseen_signers(tmp_path, LABELS)
    with pytest.raises(DataError, match="no folder"):
        find_unseen_signers(tmp_path / "nowhere", LABELS)


def test_answers_come_in_the_order_of_the_files_whatever_the_batch(tmp_path):
    paths = [paint(tmp_path / f"{i}.jpg", v) for i, v in enumerate([10, 250, 128, 10, 250])]
    seen = []

    def watched(batch):
        seen.append(batch.shape)
        return by_brightness(batch)

    found = predict_files(watched, paths, (16, 8), batch_size=2)
    assert found.argmax(axis=1).tolist() == [0, 2, 1, 0, 2]
    assert seen == [(2, 16, 8, 3), (2, 16, 8, 3), (1, 16, 8, 3)]
    assert predict_files(watched, [], (16, 16)).shape == (0, 0)
    paths[3].write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(PictureError, match=r"3\.jpg"):
        predict_files(by_brightness, paths, (16, 16))


def test_unseen_signers_of_a_manifest_are_numbered_like_the_labels():
    paths = [Path(f"{i}.jpg") for i in range(4)]
    found = unseen_signers_of("ann", paths, ["B", "7", "A", "7"], LABELS)
    assert found.paths == (paths[0], paths[2])
    assert (found.y_true.tolist(), found.unknown) == ([1, 0], {"7": 2})
    with pytest.raises(DataError, match="ann has no picture of A, B, nothing"):
        unseen_signers_of("ann", [Path("1.jpg")], ["7"], LABELS)


def test_people_called_alike_are_all_kept():
    people = [
        unseen_signers_of(name, [Path(f"{i}.jpg")], ["A"], LABELS)
        for i, name in enumerate(["x", "x", "y", "x", "x_2"])
    ]
    named = by_name(people)
    assert list(named) == ["x", "x_2", "y", "x_3", "x_2_2"]
    assert list(named.values()) == people


def test_unreadable_pictures_are_kept_apart_with_their_classes_in_step():
    paths = [Path(f"{i}.jpg") for i in range(3)]
    people = unseen_signers_of("ann", paths, ["A", "B", "nothing"], LABELS)
    found = without(people, [paths[1]])
    assert (found.paths, found.unreadable) == ((paths[0], paths[2]), (paths[1],))
    assert found.y_true.tolist() == [0, 2]
    with pytest.raises(DataError, match=r"none of the 3 pictures of ann can be read, first 0\.jpg"):
        without(people, paths)
