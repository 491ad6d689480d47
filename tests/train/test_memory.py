"""Where memory is full, a run goes on with fewer pictures at once, and ends in the same place."""

import dataclasses
import functools

import keras
import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.errors import RunError
from fingerspell.model import backbone_of, build_recogniser
from fingerspell.train import checkpoint, memory, run
from fingerspell.train.session import Run
from helpers import plain_steps
from helpers.dying_run import EACH_STEP, before_each_step_ends, train_until_it_dies
from helpers.full_memory import hungry_backbone
from helpers.run_files import assert_same_run, curves, weights
from helpers.small_run import FINETUNE, HEAD, SMALL, small_config, train

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

NETWORK = dataclasses.replace(FINETUNE, epochs=2)
STILL = dataclasses.replace(NETWORK, batchnorm_momentum=None)
STEPS = 3
"""Of an epoch: 24 pictures in batches of 8."""
EVERY_STEP, EPOCHS_ONLY = 0.0, 1e6
BUILD = "fingerspell.model.build.build_backbone"


def config(data, folder, **changes):
    settings = {"augment": AugmentConfig(), "phases": (NETWORK,), "save_every_min": EPOCHS_ONLY}
    return small_config(data, folder, **{**settings, **changes})


def in_parts(data, folder, parts, **changes):
    """A run that knew from the start in how many parts its steps fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "Run", functools.partial(Run, parts=parts))
        train(config(data, folder, **changes))
    return folder


@pytest.fixture(scope="module")
def halves(data, tmp_path_factory):
    return in_parts(data, tmp_path_factory.mktemp("halves") / "output", 2)


def full(monkeypatch, limit, first=0, last=1000):
    """Makes memory fail after the weights moved, in steps from `first` to `last` of the run."""

    def fail(state):
        now = state.run
        if first <= now.total_steps <= last and now.config.batch_size // now.parts > limit:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    before_each_step_ends(monkeypatch, fail)


def assert_close(one, other):
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


def said(capsys):
    return [line for line in capsys.readouterr().out.splitlines() if "memory is full" in line]


def test_full_from_the_first_step_on(halves, data, tmp_path, monkeypatch, capsys):
    full(monkeypatch, limit=4)
    train(config(data, tmp_path))
    assert_same_run(tmp_path, halves)
    assert said(capsys) == [
        "memory is full at 8 pictures at once: going on with 2 x 4 a step, the same effective "
        "batch, from finetune, epoch 1/2, step 0/3"
    ]


@pytest.mark.parametrize("truly", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_steps_that_fail_inside_tensorflow_twice_on_end(data, tmp_path, monkeypatch, capsys, truly):
    plain_steps.keras_own(monkeypatch)
    quarters = in_parts(data, tmp_path / "quarters", 4)
    monkeypatch.setattr(BUILD, hungry_backbone(2, learning=True, truly=truly))
    train(config(data, tmp_path / "full"))
    assert_same_run(tmp_path / "full", quarters)
    assert [line.split(", the same")[0] for line in said(capsys)] == [
        "memory is full at 8 pictures at once: going on with 2 x 4 a step",
        "memory is full at 4 pictures at once: going on with 4 x 2 a step",
    ]


@pytest.fixture(scope="module")
def halved_late(data, tmp_path_factory):
    """What a run must come to that is full late in epoch 2: from that epoch's start in halves."""
    folder = tmp_path_factory.mktemp("late") / "output"
    train_until_it_dies(config(data, folder), *EACH_STEP, at=STEPS + 1)
    stored = checkpoint.latest(folder / "checkpoints")
    assert stored.position.total_steps == STEPS
    cut = dataclasses.replace(stored.position, parts=2)
    checkpoint.save(folder / "checkpoints", dataclasses.replace(stored, position=cut))
    train(config(data, folder, resume=True))
    return folder


def test_full_late_in_an_epoch(halved_late, data, tmp_path, monkeypatch, capsys):
    """The epoch is trained again from its start; its curves count every picture once."""
    full(monkeypatch, limit=4, first=2 * STEPS - 1)
    train(config(data, tmp_path))
    assert_same_run(tmp_path, halved_late)
    assert [line.split("from ")[1] for line in said(capsys)] == ["finetune, epoch 2/2, step 0/3"]
    stored = checkpoint.latest(tmp_path / "checkpoints").position
    assert (stored.total_steps, stored.parts) == (2 * STEPS, 2)


def test_killed_after_it_was_full_and_resumed(halved_late, data, tmp_path, monkeypatch, capsys):
    """The new parts are on the disk before the first step in them, which dies here."""
    with monkeypatch.context() as patch:
        full(patch, limit=4, first=2 * STEPS - 1, last=2 * STEPS - 1)
        # The call that fails for want of memory counts as one, but never gets to its end.
        train_until_it_dies(config(data, tmp_path), *EACH_STEP, at=2 * STEPS + 1)
    assert checkpoint.latest(tmp_path / "checkpoints").position.parts == 2
    train(config(data, tmp_path, resume=True))
    assert_same_run(tmp_path, halved_late)
    assert len(said(capsys)) == 1


def test_with_a_checkpoint_at_every_step_only_the_failed_step_is_done_again(
    data, tmp_path, monkeypatch, capsys
):
    full(monkeypatch, limit=4, first=STEPS + 1)
    train(config(data, tmp_path, save_every_min=EVERY_STEP))
    assert [line.split("from ")[1] for line in said(capsys)] == ["finetune, epoch 2/2, step 1/3"]


def test_both_phases_end_as_with_the_whole_batch(data, tmp_path, monkeypatch):
    """BatchNormalization frozen and no dropout: the parts make the very same steps."""
    settings = {
        "phases": (dataclasses.replace(HEAD, epochs=1), STILL),
        "model": dataclasses.replace(SMALL, dropout=0.0),
    }
    train(config(data, tmp_path / "whole", **settings))
    full(monkeypatch, limit=4, first=1)
    full(monkeypatch, limit=2, first=STEPS + 2)
    train(config(data, tmp_path / "parts", **settings))
    assert checkpoint.latest(tmp_path / "parts" / "checkpoints").position.parts == 4
    assert_close(tmp_path / "parts", tmp_path / "whole")
    for name, values in curves(tmp_path / "whole").items():
        if name != "phase":
            np.testing.assert_allclose(curves(tmp_path / "parts")[name], values, rtol=1e-4)


def test_full_where_nothing_is_learnt(data, tmp_path, monkeypatch, capsys):
    """Features, validation and calibration: one notice, and the same results."""
    settings = {"phases": (HEAD, STILL), "model": dataclasses.replace(SMALL, dropout=0.0)}
    train(config(data, tmp_path / "whole", **settings))
    monkeypatch.setattr(BUILD, hungry_backbone(3, learning=False))
    train(config(data, tmp_path / "few", **settings))
    assert said(capsys) == [
        "memory is full at 8 pictures at once: going on with 4, which changes no result",
        "memory is full at 4 pictures at once: going on with 2, which changes no result",
    ]
    assert_close(tmp_path / "few", tmp_path / "whole")


def test_where_not_one_picture_fits_the_run_says_what_helps(data, tmp_path, monkeypatch):
    full(monkeypatch, limit=0)
    with pytest.raises(RunError, match=r"(?s)one picture at once, in finetune.*--img_size"):
        train(config(data, tmp_path, batch_size=2))
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == 0


def test_other_errors_are_not_taken_for_full_memory(data, tmp_path, monkeypatch):
    def broken(state):
        raise RuntimeError("out of memory, says somebody else")

    before_each_step_ends(monkeypatch, broken)
    with pytest.raises(RuntimeError, match="somebody else"):
        train(config(data, tmp_path))


def test_without_a_checkpoint_to_go_back_to_the_run_ends(data, tmp_path, monkeypatch):
    full(monkeypatch, limit=4)

    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_write_arrays", full_disk)
    with pytest.raises(RunError, match=r"(?s)no checkpoint of this phase.*room on the disk"):
        train(config(data, tmp_path))


def test_going_back_over_the_end_of_an_epoch_forgets_its_row(halves, data, tmp_path, monkeypatch):
    """The checkpoint of that end could not be written: all is trained again from the start."""
    whole = checkpoint._write_arrays

    def full_once(path, arrays):
        if path.stem == f"step_{STEPS:08d}" and not path.with_name("tried").exists():
            path.with_name("tried").touch()
            raise OSError(28, "No space left on device")
        whole(path, arrays)

    monkeypatch.setattr(checkpoint, "_write_arrays", full_once)
    full(monkeypatch, limit=4, first=STEPS + 1)
    train(config(data, tmp_path))
    assert_same_run(tmp_path, halves)


@pytest.mark.parametrize(
    ("batch_size", "devices", "steps"),
    [
        (32, 1, [2, 4, 8, 16, 32]),
        (24, 1, [2, 4, 8, 24]),
        (7, 1, [7]),
        (10, 1, [2, 5, 10]),
        (32, 2, [2, 4, 8, 16]),
        (24, 2, [2, 4, 12]),
        (12, 4, [3]),
        (6, 3, [2]),
    ],
)
def test_parts_are_equal_at_most_half_as_large_each_time_and_shared_by_all_devices(
    batch_size, devices, steps
):
    """As many rows of each part on each device, down to one."""
    parts = 1
    for expected in steps:
        parts, _ = memory.split_step(batch_size, parts, "here", devices)
        assert parts == expected
    with pytest.raises(RunError, match="one picture at once" + " on each of" * (devices > 1)):
        memory.split_step(batch_size, parts, "here", devices)


def test_statistics_reach_back_over_as_many_pictures_in_parts():
    """The same pictures in every part: moving averages end where the whole batch's would."""
    model = build_recogniser(SMALL, 3)
    memory.compute_in_parts(model, model, FINETUNE, 4)
    layer = backbone_of(model).layers[2]
    assert layer.momentum**4 == pytest.approx(FINETUNE.batchnorm_momentum)


@pytest.mark.parametrize("room", [2, 0])
def test_weights_that_failing_work_took_away_are_put_back(data, tmp_path, room):
    """Work for which not even one picture fits ends with advice."""
    looking, weight, seen = Run(config(data, tmp_path), None, None, ""), keras.Variable(7.0), []

    def work():
        seen.append((looking.pictures_at_once(), float(weight.value)))
        weight.assign(np.nan)
        if looking.pictures_at_once() > room:
            raise MemoryError
        return "done"

    if room:
        assert memory.retry_smaller(looking, [weight], work) == "done"
    else:
        with pytest.raises(RunError, match=r"(?s)one picture at once.*--img_size"):
            memory.retry_smaller(looking, [weight], work)
    assert seen == [(8, 7.0), (4, 7.0), (2, 7.0), (1, 7.0)][: 4 - room // 2]
