"""Half precision on a processor: the loss scale is found, kept, and guarded."""

import dataclasses

import keras
import numpy as np
import pytest

from fingerspell.errors import RunError
from fingerspell.train import checkpoint, loop, phases, run
from fingerspell.train.devices import Device
from helpers import plain_steps
from helpers.dying_run import before_each_step_ends
from helpers.run_files import assert_same_run, curves
from helpers.small_run import FINETUNE, SMALL, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

STILL = dataclasses.replace(FINETUNE, epochs=2, batchnorm_momentum=None)
STEPS = 3
"""Of an epoch."""


@pytest.fixture(autouse=True)
def half_precision(monkeypatch):
    def prepare():
        keras.config.set_dtype_policy("mixed_float16")
        return Device(keras.backend.backend(), (), "mixed_float16")

    monkeypatch.setattr(run, "prepare_device", prepare)
    yield
    keras.config.set_dtype_policy("float32")


def starts_at(monkeypatch, scale):
    """Lets every phase begin with a loss scale of its own."""
    whole = phases.compile_for

    def compile_with(model, *args):
        whole(model, *args)
        model.optimizer.dynamic_scale.assign(scale)

    monkeypatch.setattr(phases, "compile_for", compile_with)


def config(data, folder, **changes):
    model = dataclasses.replace(SMALL, dropout=0.0)
    return small_config(data, folder, **{"phases": (STILL,), "model": model, **changes})


def test_a_run_knows_its_rate_and_ends_in_float32(data, tmp_path, monkeypatch):
    plain_steps.keras_own(monkeypatch)
    train(config(data, tmp_path))
    found = curves(tmp_path)
    assert 0 < found["learning_rate"][1] < found["learning_rate"][0] <= STILL.learning_rate
    model = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert model.get_layer("backbone").layers[1].compute_dtype == "float32"


def test_steps_that_are_skipped_for_the_scale_do_not_stop_a_run(data, tmp_path, monkeypatch):
    """The whole first epoch is: its validation is that of the weights, which did not move."""
    starts_at(monkeypatch, 2.0**110)
    seen, whole = [], loop._validate

    def validate(state):
        before = [np.array(w) for w in state.weights]
        seen.append((before, whole(state)))
        return seen[-1][1]

    monkeypatch.setattr(loop, "_validate", validate)
    train(config(data, tmp_path))
    (first, one), (second, other) = seen
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert one == other
    best = checkpoint.latest(tmp_path / "checkpoints").group("best")
    assert all(np.abs(kernel).max() > 0 for kernel in best if kernel.ndim > 1)
    state = checkpoint.latest(tmp_path / "checkpoints").group("optimizer")
    assert any(value.shape == () and value == 2.0 ** (110 - 2 * STEPS) for value in state)


def test_the_scale_goes_on_where_it_was(data, tmp_path, monkeypatch):
    """The first steps are skipped until the scale fits; killed in between, the same."""
    starts_at(monkeypatch, 2.0**34)
    train(config(data, tmp_path / "one"))

    def stop(state):
        state.run.interrupt.asked = state.run.total_steps == 1

    with monkeypatch.context() as patch:
        before_each_step_ends(patch, stop)
        with pytest.raises(KeyboardInterrupt):
            train(config(data, tmp_path / "two"))
    train(config(data, tmp_path / "two", resume=True))
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_a_scale_that_only_falls_ends_the_run_with_the_last_good_weights(
    data, tmp_path, monkeypatch
):
    starts_at(monkeypatch, 0.5)
    with pytest.raises(RunError, match=r"(?s)not finite in many steps.*epoch 1/2.*checkpoints/"):
        train(config(data, tmp_path))


def test_a_loss_that_is_no_number_still_stops_the_run_at_its_step(data, tmp_path, monkeypatch):
    whole = phases.training_stream

    def broken(*args, **kwargs):
        for number, (x, y, w) in enumerate(whole(*args, **kwargs)):
            yield x, y, w * (np.nan if number == STEPS + 1 else 1)

    monkeypatch.setattr(phases, "training_stream", broken)
    with pytest.raises(RunError, match=r"a loss of nan in finetune, epoch 2/2, step 2/3"):
        train(config(data, tmp_path))
    stored = checkpoint.latest(tmp_path / "checkpoints")
    assert stored.position.total_steps == STEPS
    assert all(np.isfinite(a).all() for a in stored.arrays.values() if a.dtype.kind == "f")
