import numpy as np
import pytest

from fingerspell.errors import RunError
from fingerspell.train.checkpoint import Checkpoint, Epoch, Position, _write_arrays, latest, save

ROW = Epoch("head", 1, 0.5, 0.9, 0.6, 0.8, 1e-3, 2.0, 100.0)


def at(step: int) -> Checkpoint:
    position = Position(fingerprint="mine", total_steps=step, rows=(ROW,))
    return Checkpoint(position, {"model/0": np.full((2, 3), step, np.float32)})


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_comes_back_with_its_curves_and_arrays(tmp_path):
    for step in (9, 10):
        save(tmp_path, at(step))
    found = latest(tmp_path)
    assert found.position == at(10).position
    np.testing.assert_array_equal(found.group("model")[0], np.full((2, 3), 10))


def test_where_nothing_was_saved_there_is_nothing(tmp_path):
    assert latest(tmp_path / "absent") is None


def test_the_last_two_are_kept(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, at(step))
    assert names(tmp_path) == ["step_00000002.npz", "step_00000003.npz"]


def test_a_damaged_file_is_put_aside_and_does_not_count_among_the_last_two(tmp_path, capsys):
    for step in (7, 8):
        save(tmp_path, at(step))
    (tmp_path / "step_00000008.npz").write_bytes(b"half")
    assert latest(tmp_path).position.total_steps == 7
    assert "step_00000008.npz is damaged" in capsys.readouterr().out
    assert names(tmp_path) == ["step_00000007.npz", "step_00000008.npz.damaged"]
    assert (tmp_path / "step_00000008.npz.damaged").read_bytes() == b"half"
    for step in (9, 10):
        save(tmp_path, at(step))
    assert latest(tmp_path).position.total_steps == 10
    assert names(tmp_path) == [
        "step_00000008.npz.damaged", "step_00000009.npz", "step_00000010.npz",
    ]  # fmt: skip


def test_of_damaged_files_the_newest_alone_is_kept(tmp_path):
    save(tmp_path, at(1))
    (tmp_path / "step_00000001.npz.damaged").write_bytes(b"old")
    for step in (2, 3):
        (tmp_path / f"step_0000000{step}.npz").write_bytes(b"half")
    assert latest(tmp_path).position.total_steps == 1
    assert names(tmp_path) == ["step_00000001.npz", "step_00000003.npz.damaged"]


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(5, "Input/output error")]
)
def test_a_file_that_cannot_be_read_is_not_taken_for_damaged(tmp_path, monkeypatch, error):
    """A virus scanner that holds the file, or a disk that hiccups: it may be whole."""
    for step in (7, 8):
        save(tmp_path, at(step))

    def refused(path, mode):
        assert path.name == "step_00000008.npz"
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.open", refused)
        with pytest.raises(RunError, match=rf"(?s)step_00000008.npz.*{error.strerror}.*--resume"):
            latest(tmp_path)
    assert names(tmp_path) == ["step_00000007.npz", "step_00000008.npz"]
    assert latest(tmp_path).position.total_steps == 8


def test_a_damaged_file_that_another_program_holds_is_told_of(tmp_path, monkeypatch):
    for step in (7, 8):
        save(tmp_path, at(step))
    (tmp_path / "step_00000008.npz").write_bytes(b"half")

    def held(path, other):
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr("pathlib.Path.rename", held)
    with pytest.raises(RunError, match="used by another process"):
        latest(tmp_path)


def test_a_whole_file_of_another_version_is_not_taken_for_damaged(tmp_path):
    for step in (7, 8):
        save(tmp_path, at(step))
    _write_arrays(tmp_path / "step_00000009.npz", {"position": np.array('{"rows": [], "x": 1}')})
    with pytest.raises(RunError, match=r"(?s)step_00000009.npz.*another version"):
        latest(tmp_path)
    assert len(names(tmp_path)) == 3


def test_where_all_are_damaged_none_is_removed(tmp_path):
    save(tmp_path, at(1))
    (tmp_path / "step_00000001.npz").write_bytes(b"half")
    with pytest.raises(RunError, match="no checkpoint"):
        latest(tmp_path)
    assert names(tmp_path) == ["step_00000001.npz"]


class Variable:
    def __init__(self, *shape: int) -> None:
        self.shape, self.value = shape, None

    def assign(self, value: np.ndarray) -> None:
        self.value = value


def test_variables_of_other_shapes_or_number_are_refused():
    for variables in ([Variable(3, 2)], [], [Variable(2, 3), Variable(2, 3)]):
        with pytest.raises(RunError, match="is not this run's"):
            at(4).restore({"model": variables})
    fitting = Variable(2, 3)
    at(4).restore({"model": [fitting]})
    np.testing.assert_array_equal(fitting.value, np.full((2, 3), 4))
