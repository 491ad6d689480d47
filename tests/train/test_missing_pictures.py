"""A picture that goes missing or breaks while a run learns: it is named, and nothing is lost."""

import dataclasses
import shutil

import pytest

from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import DataError, PictureError
from fingerspell.train import checkpoint
from fingerspell.train.memory import refuse_missing_picture
from helpers.dying_run import before_each_step_ends
from helpers.run_files import assert_same_run
from helpers.small_run import FINETUNE, small_config, train, write_colours

pytestmark = pytest.mark.usefixtures("tiny_network")

TWO_EPOCHS = dataclasses.replace(FINETUNE, epochs=2)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The run that lacked nothing."""
    base = tmp_path_factory.mktemp("straight")
    train(config(write_colours(base / "dataset"), base / "run"))
    return base / "run"


@pytest.fixture
def data(tmp_path):
    return write_colours(tmp_path / "dataset")


def config(data, folder, **changes):
    return small_config(data, folder, phases=(TWO_EPOCHS,), **changes)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ("train/*/*.jpg", "No such file"),
        ("val/nothing/3.jpg", "No such file"),
        ("train/*/*.jpg", "that are no picture"),
    ],
)
def test_a_picture_that_vanishes_or_breaks_is_named_and_the_run_can_go_on(
    straight, data, tmp_path, monkeypatch, names, reason
):
    """The picture to validate with lies in the second batch, which is read behind TensorFlow."""

    def happens(state):
        for path in data.glob(names) if state.run.total_steps == 0 else ():
            path.unlink() if reason == "No such file" else path.write_bytes(b"no picture")

    shutil.copytree(data, tmp_path / "kept")
    with monkeypatch.context() as patch:
        before_each_step_ends(patch, happens)
        with pytest.raises(DataError) as error:
            train(config(data, tmp_path / "run"))
    assert f"{data / names.split('/')[0]}" in error.value.found
    assert reason in error.value.found
    assert "--resume" in error.value.fix
    assert checkpoint.latest(tmp_path / "run" / "checkpoints") is not None
    shutil.copytree(tmp_path / "kept", data, dirs_exist_ok=True)
    train(config(data, tmp_path / "run", resume=True))
    assert_same_run(tmp_path / "run", straight)


def found(data, error):
    with pytest.raises(DataError) as lost:
        refuse_missing_picture(read_manifest(data), error)
    return lost.value.found


def test_a_picture_is_found_behind_other_errors_and_in_the_words_of_tensorflow(data):
    """One that can be read again is named all the same; other errors are no lost pictures."""
    behind, path = RuntimeError("a step failed"), data / "train" / "A" / "0.jpg"
    behind.__cause__ = PictureError(found="x/1.jpg: gone", expected="a readable file", fix="look")
    assert found(data, behind) == "x/1.jpg: gone"
    error = RuntimeError(f"PyFunc: PictureError: {path}: Input/output error")
    assert found(data, error) == f"{path} could not be read for a moment"
    behind.__cause__ = KeyError("x")
    refuse_missing_picture(read_manifest(data), behind)
