"""Files that are whole or told to be damaged, and the last two checkpoints of a run."""

from functools import partial

import keras
import numpy as np
import pytest

from fingerspell.errors import RunError
from fingerspell.train import checkpoint

ROW = checkpoint.Epoch("head", 1, 0.5, 0.9, 0.6, 0.8, 1e-3, 2.0, 100.0)


def at(step: int) -> checkpoint.Checkpoint:
    position = checkpoint.Position(fingerprint="mine", total_steps=step, rows=(ROW,))
    return checkpoint.Checkpoint(position, {"model/0": np.full((2, 3), step, np.float32)})


def saved(folder, *steps: int):
    for step in steps:
        checkpoint.save(folder, at(step))
    return folder / f"step_{steps[-1]:08d}.npz"


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_last_two_are_kept_and_the_newest_comes_back_with_its_curves_and_arrays(tmp_path):
    assert checkpoint.latest(tmp_path / "absent") is None
    saved(tmp_path, 8, 9, 10)
    assert names(tmp_path) == ["step_00000009.npz", "step_00000010.npz"]
    found = checkpoint.latest(tmp_path)
    assert found.position == at(10).position
    np.testing.assert_array_equal(found.group("model")[0], np.full((2, 3), 10))


def test_a_damaged_file_is_put_aside_and_does_not_count_among_the_last_two(tmp_path, capsys):
    saved(tmp_path, 7, 8).write_bytes(b"half")
    assert checkpoint.latest(tmp_path).position.total_steps == 7
    assert "step_00000008.npz is damaged" in capsys.readouterr().out
    assert names(tmp_path) == ["step_00000007.npz", "step_00000008.npz.damaged"]
    assert (tmp_path / "step_00000008.npz.damaged").read_bytes() == b"half"
    saved(tmp_path, 9, 10)
    assert checkpoint.latest(tmp_path).position.total_steps == 10
    assert names(tmp_path) == [
        "step_00000008.npz.damaged", "step_00000009.npz", "step_00000010.npz",
    ]  # fmt: skip


def test_of_damaged_files_the_newest_alone_is_kept(tmp_path):
    saved(tmp_path, 1).with_name("step_00000001.npz.damaged").write_bytes(b"old")
    for step in (2, 3):
        (tmp_path / f"step_0000000{step}.npz").write_bytes(b"half")
    assert checkpoint.latest(tmp_path).position.total_steps == 1
    assert names(tmp_path) == ["step_00000001.npz", "step_00000003.npz.damaged"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]
)
def test_a_file_that_cannot_be_read_is_not_taken_for_damaged(tmp_path, monkeypatch, error):
    """A virus scanner that holds the file, or a disk that hiccups: it may be whole."""
    saved(tmp_path, 7, 8)

    def refused(path, mode):
        assert path.name == "step_00000008.npz"
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", refused)
        with pytest.raises(RunError, match=rf"(?s)step_00000008.npz.*{error.strerror}.*--resume"):
            checkpoint.latest(tmp_path)
    assert names(tmp_path) == ["step_00000007.npz", "step_00000008.npz"]
    assert checkpoint.latest(tmp_path).position.total_steps == 8


def test_a_damaged_file_that_another_program_holds_is_told_of(tmp_path, monkeypatch):
    saved(tmp_path, 7, 8).write_bytes(b"half")

    def held(path, other):
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr("pathlib.Path.rename", held)
    with pytest.raises(RunError, match="used by another process"):
        checkpoint.latest(tmp_path)


def test_a_whole_file_of_another_version_is_not_taken_for_damaged(tmp_path):
    saved(tmp_path, 7, 8)
    other = {"position": np.array('{"rows": [], "x": 1}')}
    checkpoint._write_arrays(tmp_path / "step_00000009.npz", other)
    with pytest.raises(RunError, match=r"(?s)step_00000009.npz.*another version"):
        checkpoint.latest(tmp_path)
    assert len(names(tmp_path)) == 3


def test_where_all_are_damaged_none_is_removed(tmp_path):
    saved(tmp_path, 1).write_bytes(b"half")
    with pytest.raises(RunError, match="no checkpoint"):
        checkpoint.latest(tmp_path)
    assert names(tmp_path) == ["step_00000001.npz"]


def test_variables_of_other_shapes_or_number_are_refused():
    high, fitting = keras.Variable(np.zeros((3, 2))), keras.Variable(np.zeros((2, 3)))
    for variables in ([high], [], [fitting, fitting]):
        with pytest.raises(RunError, match="is not this run's"):
            at(4).restore({"model": variables})
    at(4).restore({"model": [fitting]})
    np.testing.assert_array_equal(fitting, np.full((2, 3), 4))


PARTS = {
    "kernel": np.arange(12, dtype=np.float32).reshape(3, 4),
    "counter": np.array(7, np.int64),
    "text": np.array('{"step": 3}'),
}
ROWS = np.array([(1.5, 2), (2.5, 3)], [("x", "f2"), ("n", "i4")])


def same(found: dict[str, np.ndarray]) -> bool:
    return found.keys() == PARTS.keys() and all(
        found[name].dtype == value.dtype and np.array_equal(found[name], value)
        for name, value in PARTS.items()
    )


def test_arrays_come_back_with_their_kinds_and_shapes(tmp_path):
    checkpoint._write_arrays(tmp_path / "deep" / "a.npz", PARTS)
    assert same(checkpoint._read_arrays(tmp_path / "deep" / "a.npz"))
    assert names(tmp_path / "deep") == ["a.npz"]


def test_rows_come_back_from_the_disk_without_being_read(tmp_path):
    checkpoint.write_rows(tmp_path / "deep" / "a.npy", ROWS)
    found = checkpoint.map_rows(tmp_path / "deep" / "a.npy", ROWS.dtype, 2)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ROWS)


@pytest.mark.parametrize("kind", ["arrays", "rows"])
def test_whichever_byte_is_altered_and_wherever_it_is_torn_a_file_is_damaged(tmp_path, kind):
    """An archive's own checksums do not cover its directory: arrays would go missing unnoticed."""
    path = tmp_path / "a"
    if kind == "arrays":
        checkpoint._write_arrays(path, PARTS)
        read = partial(checkpoint._read_arrays, path)
    else:
        checkpoint.write_rows(path, ROWS)
        read = partial(checkpoint.map_rows, path, ROWS.dtype, 2)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with pytest.raises(checkpoint.DamagedError, match="checksum"):
            read()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(checkpoint.DamagedError):
            read()


def test_a_write_that_fails_leaves_the_older_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    checkpoint._write_arrays(path, PARTS)

    def disk_full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        checkpoint._write_arrays(path, {"kernel": np.zeros(3)})
    assert same(checkpoint._read_arrays(path))


def test_what_killed_writers_left_is_swept_and_nothing_else(tmp_path):
    checkpoint.remove_unfinished(tmp_path / "absent")
    (tmp_path / ".step_00000003.npz.writing").write_bytes(b"half")
    (tmp_path / ".synthetic_0-x" / "A").mkdir(parents=True)
    (tmp_path / "synthetic_0").mkdir()
    (tmp_path / "step_00000002.npz").write_bytes(b"whole")
    checkpoint.remove_unfinished(tmp_path)
    assert names(tmp_path) == ["step_00000002.npz", "synthetic_0"]


def test_rows_of_another_kind_or_number_are_not_taken(tmp_path):
    path = tmp_path / "a.npy"
    checkpoint.write_rows(path, ROWS)
    for kind, count in ((ROWS.dtype, 3), (np.dtype("f4"), 2)):
        with pytest.raises(checkpoint.DamagedError, match="other rows"):
            checkpoint.map_rows(path, kind, count)
