"""A phase may look at smaller pictures: what it learnt goes over, and it may die anywhere."""

import dataclasses
import json

import numpy as np
import pytest

from fingerspell.config import AugmentConfig, ModelConfig, progressive
from fingerspell.loading import loader
from fingerspell.model import backbone_of, load_recogniser
from fingerspell.train import checkpoint, loop, phases, run
from helpers import plain_steps
from helpers.run_files import assert_same_run
from helpers.small_run import FINETUNE, HEAD, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

MODEL = ModelConfig(backbone="MobileNetV3Small", weights="none", image_size_px=(48, 48))
STEPS = 15
"""Of the whole run: 2 epochs of the head and 3 of the network, 3 steps each."""


class Died(BaseException):
    """Nothing in the program catches it, as nothing catches SIGKILL."""


def growing(data, folder, **changes):
    """The head and the first two epochs of the network at 32 pixels, the last at 48."""
    (head,) = progressive(HEAD, {32: 1.0})
    stretches = progressive(FINETUNE, {32: 0.7, 48: 0.3})
    settings = {"model": MODEL, "phases": (head, *stretches), "augment": AugmentConfig()}
    return small_config(data, folder, **settings, save_every_min=0.0, **changes)


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """The run that nobody interrupted; the sizes of all pictures that it read, in order.

    And where each phase began in the endless stream of training pictures.
    """
    folder, sizes, firsts = tmp_path_factory.mktemp("straight") / "output", [], []

    def spied(stream):
        def spy(manifest, samples, labels, size_px, *rest, **named):
            sizes.append((samples[0].split, size_px))
            if "first_batch" in named:
                firsts.append(named["first_batch"])
            return stream(manifest, samples, labels, size_px, *rest, **named)

        return spy

    with pytest.MonkeyPatch.context() as patch:
        for name in ("training_stream", "labelled_stream"):
            patch.setattr(loader, name, spied(getattr(loader, name)))
        train(growing(data, folder))
    return folder, sizes, firsts


def test_no_phase_shows_pictures_and_changes_that_another_has_shown(straight):
    assert straight[2] == [0, 6, 12]


def test_each_phase_trains_and_validates_at_its_size(straight):
    phases_only = straight[1][:-1]
    assert {size for _, size in phases_only} == {(32, 32), (48, 48)}
    for split in ("train", "val"):
        in_order = [size for name, size in phases_only if name == split]
        assert in_order == sorted(in_order)
        assert set(in_order) == {(32, 32), (48, 48)}


def test_calibration_and_the_saved_network_are_of_full_size(straight):
    folder, sizes, _ = straight
    assert sizes[-1] == ("val", (48, 48))
    assert load_recogniser(folder / "model.keras").input_shape == (None, 48, 48, 3)


def test_the_curves_name_each_stretch(straight):
    rows = json.loads((straight[0] / "training_history.json").read_text(encoding="utf-8"))
    assert rows["phase"] == ["head 32px"] * 2 + ["finetune 32px"] * 2 + ["finetune 48px"]
    rates = rows["learning_rate"][2:]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(FINETUNE.learning_rate / 100)


def dies(data, folder, owner, name, *, at=1, after=True):
    """Trains until the `at`-th call of `owner.name` dies, after or before it did its work."""
    whole, calls = getattr(owner, name), iter(range(1, 1000))

    def deadly(*args, **kwargs):
        fatal = next(calls) == at
        result = None if fatal and not after else whole(*args, **kwargs)
        if fatal:
            raise Died
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, deadly)
        with pytest.raises(Died):
            train(growing(data, folder, resume=True))


def test_a_run_may_die_within_and_between_phases_of_different_sizes(straight, data, tmp_path):
    for owner, name, how in (
        (loop.Steps, "on_train_batch_end", {"at": 5}),
        (phases, "carry", {"after": False}),
        (phases, "carry", {}),
        (phases, "at_size", {"at": 2}),
        (loop.Steps, "on_train_batch_end", {"at": 2}),
        (loop.Steps, "on_train_batch_end", {"at": 2}),
        (phases, "carry", {"after": False}),
        (loop.Steps, "on_train_batch_end", {"at": 3}),
        (phases, "carry", {"after": False}),
        (run, "calibrate", {"after": False}),
    ):
        dies(data, tmp_path, owner, name, **how)
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == STEPS
    train(growing(data, tmp_path, resume=True))
    assert_same_run(tmp_path, straight[0])


def test_a_phase_of_its_own_size_learns_what_a_network_of_that_size_learns(
    data, tmp_path, monkeypatch
):
    """The stand-in pads nothing, so its weights mean the same at any size."""
    plain_steps.keras_own(monkeypatch)
    for name, model, size_px in (
        ("small", dataclasses.replace(MODEL, image_size_px=(32, 32)), None),
        ("large", MODEL, (32, 32)),
    ):
        phase = dataclasses.replace(FINETUNE, image_size_px=size_px)
        train(small_config(data, tmp_path / name, model=model, phases=(phase,)))
    one, other = (load_recogniser(tmp_path / n / "model.keras") for n in ("small", "large"))
    for a, b in zip(backbone_of(one).variables, backbone_of(other).variables, strict=True):
        np.testing.assert_array_equal(a, b)
