"""A phase may look at smaller pictures: what it learnt goes over, and it may die anywhere."""

import dataclasses
import json

import numpy as np
import pytest

from fingerspell.config import AugmentConfig, ModelConfig, progressive
from fingerspell.loading import loader
from fingerspell.model import backbone_of, load_recogniser
from fingerspell.train import checkpoint, phases, run
from helpers import plain_steps
from helpers.dying_run import EACH_STEP, train_until_it_dies
from helpers.run_files import assert_same_run
from helpers.small_run import FINETUNE, HEAD, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

MODEL = ModelConfig(backbone="MobileNetV3Small", weights="none", image_size_px=(48, 48))
STEPS = 15
"""Of the whole run: 2 epochs of the head and 3 of the network, 3 steps each."""


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


def test_each_phase_trains_and_validates_at_its_size_and_calibration_at_the_full_one(straight):
    """No phase shows pictures and augmentations that another has shown."""
    folder, (*sizes, last), firsts = straight
    assert firsts == [0, 6, 12]
    for split in ("train", "val"):
        in_order = [size for name, size in sizes if name == split]
        assert in_order == sorted(in_order)
        assert set(in_order) == {(32, 32), (48, 48)}
    assert last == ("val", (48, 48))
    assert load_recogniser(folder / "model.keras").input_shape == (None, 48, 48, 3)


def test_the_curves_name_each_stretch(straight):
    rows = json.loads((straight[0] / "training_history.json").read_text(encoding="utf-8"))
    assert rows["phase"] == ["head 32px"] * 2 + ["finetune 32px"] * 2 + ["finetune 48px"]
    rates = rows["learning_rate"][2:]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(FINETUNE.learning_rate / 100)


def test_a_run_may_die_within_and_between_phases_of_different_sizes(straight, data, tmp_path):
    for owner, name, how in (
        (*EACH_STEP, {"at": 5}),
        (phases, "carry", {"after": False}),
        (phases, "carry", {}),
        (phases, "at_size", {"at": 2}),
        (*EACH_STEP, {"at": 2}),
        (*EACH_STEP, {"at": 2}),
        (phases, "carry", {"after": False}),
        (*EACH_STEP, {"at": 3}),
        (phases, "carry", {"after": False}),
        (run, "calibrate", {"after": False}),
    ):
        train_until_it_dies(growing(data, tmp_path, resume=True), owner, name, **how)
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == STEPS
    train(growing(data, tmp_path, resume=True))
    assert_same_run(tmp_path, straight[0])


def test_a_phase_of_its_own_size_learns_what_a_network_of_that_size_learns(
    data, tmp_path, monkeypatch
):
    """The stand-in pads nothing, so its weights mean the same at any size."""
    plain_steps.keras_own(monkeypatch)
    small = dataclasses.replace(MODEL, image_size_px=(32, 32))
    for name, model, size_px in (("small", small, None), ("large", MODEL, (32, 32))):
        phase = dataclasses.replace(FINETUNE, image_size_px=size_px)
        train(small_config(data, tmp_path / name, model=model, phases=(phase,)))
    one, other = (load_recogniser(tmp_path / n / "model.keras") for n in ("small", "large"))
    for a, b in zip(backbone_of(one).variables, backbone_of(other).variables, strict=True):
        np.testing.assert_array_equal(a, b)
