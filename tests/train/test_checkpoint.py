import numpy as np
import pytest

from fingerspell.errors import RunError
from fingerspell.train.checkpoint import Checkpoint, Position, latest, save
from fingerspell.train.history import Epoch

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


def test_a_damaged_file_does_not_count_among_the_last_two(tmp_path, capsys):
    for step in (7, 8):
        save(tmp_path, at(step))
    (tmp_path / "step_00000008.npz").write_bytes(b"")
    assert latest(tmp_path).position.total_steps == 7
    assert "step_00000008.npz is damaged" in capsys.readouterr().out
    assert names(tmp_path) == ["step_00000007.npz"]


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
            at(4).fill("model", variables)
    fitting = Variable(2, 3)
    at(4).fill("model", [fitting])
    np.testing.assert_array_equal(fitting.value, np.full((2, 3), 4))
