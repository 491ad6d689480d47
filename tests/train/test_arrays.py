import numpy as np
import pytest

from fingerspell.train import checkpoint
from fingerspell.train.checkpoint import (
    DamagedError,
    _read_arrays,
    _write_arrays,
    map_rows,
    remove_unfinished,
    write_rows,
)

PARTS = {
    "kernel": np.arange(12, dtype=np.float32).reshape(3, 4),
    "counter": np.array(7, np.int64),
    "text": np.array('{"step": 3}'),
}


def same(found: dict[str, np.ndarray]) -> bool:
    return found.keys() == PARTS.keys() and all(
        found[name].dtype == value.dtype and np.array_equal(found[name], value)
        for name, value in PARTS.items()
    )


def test_arrays_come_back_with_their_kinds_and_shapes(tmp_path):
    _write_arrays(tmp_path / "deep" / "a.npz", PARTS)
    assert same(_read_arrays(tmp_path / "deep" / "a.npz"))
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.npz"]


def test_whichever_byte_is_altered_it_is_noticed(tmp_path):
    """An archive's own checksums do not cover its directory: arrays would go missing unnoticed."""
    path = tmp_path / "a.npz"
    _write_arrays(path, PARTS)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(DamagedError, match="checksum"):
            _read_arrays(path)


def test_wherever_a_file_is_torn_it_is_damaged(tmp_path):
    path = tmp_path / "a.npz"
    _write_arrays(path, PARTS)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedError):
            _read_arrays(path)


def test_a_write_that_fails_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    _write_arrays(path, PARTS)

    def disk_full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        _write_arrays(path, {"kernel": np.zeros(3)})
    assert same(_read_arrays(path))


def test_what_killed_writers_left_is_swept_and_nothing_else(tmp_path):
    (tmp_path / ".step_00000003.npz.writing").write_bytes(b"half")
    (tmp_path / ".synthetic_0-x" / "A").mkdir(parents=True)
    (tmp_path / "synthetic_0").mkdir()
    (tmp_path / "step_00000002.npz").write_bytes(b"whole")
    remove_unfinished(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step_00000002.npz", "synthetic_0"]


def test_a_folder_that_is_not_there_needs_no_sweeping(tmp_path):
    remove_unfinished(tmp_path / "checkpoints")


ROWS = np.array([(1.5, 2), (2.5, 3)], [("x", "f2"), ("n", "i4")])


def test_rows_come_back_from_the_disk_without_being_read(tmp_path):
    write_rows(tmp_path / "deep" / "a.npy", ROWS)
    found = map_rows(tmp_path / "deep" / "a.npy", ROWS.dtype, 2)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ROWS)


def test_whichever_byte_of_rows_is_altered_it_is_noticed(tmp_path):
    path = tmp_path / "a.npy"
    write_rows(path, ROWS)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(DamagedError, match="checksum"):
            map_rows(path, ROWS.dtype, 2)


def test_rows_of_another_kind_or_number_are_not_taken(tmp_path):
    path = tmp_path / "a.npy"
    write_rows(path, ROWS)
    for kind, count in ((ROWS.dtype, 3), (np.dtype("f4"), 2)):
        with pytest.raises(DamagedError, match="other rows"):
            map_rows(path, kind, count)
