"""Counting what came, whatever the folders lie in."""

from pathlib import Path

from fingerspell.download.catalogue import count_classes, counted, is_whole


def fill(folder: Path, **pictures: int) -> Path:
    for label, count in pictures.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            (folder / label / f"{number}.JPG").write_bytes(b"")
    return folder


def test_classes_are_found_at_any_depth_and_in_any_case(tmp_path, tiny):
    fill(tmp_path / "train" / "train", a=120, B=80)
    counts = count_classes(tmp_path, tiny)
    assert counts == {"A": 120, "B": 80}
    assert is_whole(counts, tiny)
    assert counted(counts, tiny) == "200 pictures of 2 classes"


def test_loose_pictures_other_folders_and_notes_do_not_count(tmp_path, tiny):
    fill(tmp_path, A=1, extras=5)
    (tmp_path / "A_test.jpg").write_bytes(b"")
    (tmp_path / "A" / "readme.txt").write_bytes(b"")
    assert count_classes(tmp_path, tiny) == {"A": 1, "B": 0}


def test_one_in_a_hundred_may_be_missing_and_not_two(tmp_path, tiny):
    assert is_whole({"A": 100, "B": 98}, tiny)
    assert not is_whole({"A": 100, "B": 97}, tiny)
    assert counted({"A": 100, "B": 97}, tiny) == "197 pictures of 2 classes, 3 fewer than known"


def test_a_class_without_pictures_is_named_and_never_whole(tmp_path, tiny):
    counts = count_classes(fill(tmp_path, A=201), tiny)
    assert not is_whole(counts, tiny)
    assert counted(counts, tiny) == "201 pictures of 1 classes, 1 more than known, none of B"
