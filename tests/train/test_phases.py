"""A phase by itself: its features or pictures, its averages, its rates, its picture size."""

import dataclasses

import numpy as np
import pytest

from fingerspell.config import AugmentConfig, progressive
from fingerspell.loading import loader
from fingerspell.model import backbone_of, load_recogniser, size_of
from fingerspell.train import checkpoint, features, loop, phases, run
from fingerspell.train.loop import WarmCosine
from fingerspell.train.state import _BestWeights
from helpers import plain_steps
from helpers.dying_run import EACH_STEP, train_until_it_dies
from helpers.run_files import assert_same_run, curves, weights
from helpers.small_run import FINETUNE, HEAD, SMALL, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

STEPS = 3
"""Of an epoch: 24 pictures in batches of eight."""


def test_the_loop_that_stands_in_for_keras_own_learns_the_same(data, tmp_path, monkeypatch):
    """Rates, moments, averages and statistics; dropout draws the same masks."""
    model = dataclasses.replace(SMALL, dropout=0.3)
    settings = {"augment": AugmentConfig(), "model": model}
    train(small_config(data, tmp_path / "plain", **settings))
    plain_steps.keras_own(monkeypatch)
    train(small_config(data, tmp_path / "graphs", **settings))
    ours, theirs = (curves(tmp_path / name) for name in ("plain", "graphs"))
    assert ours["phase"] == theirs["phase"]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, err_msg=name)
    for one, other in zip(weights(tmp_path / "plain"), weights(tmp_path / "graphs"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def runs(data, folder, **changes):
    """Trains, augmented, and returns the curves."""
    settings = {"augment": AugmentConfig(), "phases": (FINETUNE,), **changes}
    train(small_config(data, folder, **settings))
    return curves(folder)


def frozen(data, folder, **changes):
    return runs(data, folder, phases=(HEAD,), feature_views=2, **changes)


def test_without_a_cache_the_frozen_network_looks_at_pictures_in_every_epoch(
    data, tmp_path, monkeypatch, capsys
):
    cached = frozen(data, tmp_path / "cached")
    monkeypatch.setattr(features, "extract", None)
    capsys.readouterr()
    looked = frozen(data, tmp_path / "looked", feature_cache_bytes=0)
    assert "cached features" not in capsys.readouterr().out
    for column in ("phase", "epoch", "learning_rate"):
        assert looked[column] == cached[column]
    assert looked["loss"] != cached["loss"]
    one, other = (load_recogniser(tmp_path / n / "model.keras") for n in ("cached", "looked"))
    for a, b in zip(backbone_of(one).variables, backbone_of(other).variables, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(weights(tmp_path / "cached")[-2], weights(tmp_path / "looked")[-2])


def test_a_smaller_cache_holds_fewer_views_or_none_and_shortens_no_epoch(data, tmp_path, capsys):
    row_bytes = features.row_of(6, 3).itemsize
    full, none = (frozen(data, tmp_path / x, feature_cache_bytes=int(x)) for x in ("1000000", "0"))
    assert "views fit" not in capsys.readouterr().out
    small = frozen(data, tmp_path / "small", feature_cache_bytes=(12 + 47) * row_bytes)
    assert capsys.readouterr().out.count("1 of 2 views fit") == 1
    assert small["learning_rate"] == full["learning_rate"]
    assert small["loss"] != full["loss"]
    assert frozen(data, tmp_path / "tiny", feature_cache_bytes=100) == none
    assert "0 of 2 views fit" in capsys.readouterr().out


def test_the_averaged_weights_are_validated_or_without_averages_the_latest(
    data, tmp_path, monkeypatch
):
    """And training goes on with the latest: its own losses are the same."""
    latest, whole, averaged, losses = [], loop._validate, [], []

    def validate(state):
        latest[:] = state.weights
        return whole(state)

    def consider(self, loss, network):
        pairs = zip(latest, network.variables, strict=True)
        averaged.append(any(not np.array_equal(a, b) for a, b in pairs))

    monkeypatch.setattr(loop, "_validate", validate)
    monkeypatch.setattr(_BestWeights, "consider", consider)
    for epochs in (2.0, 0.0):
        losses.append(runs(data, tmp_path / str(epochs), average_epochs=epochs)["loss"])
    assert averaged == [True] * FINETUNE.epochs + [False] * FINETUNE.epochs
    assert losses[0] == losses[1]


def test_each_row_tells_the_rate_at_its_epochs_end(data, tmp_path):
    rates = runs(data, tmp_path, phases=(HEAD, FINETUNE), feature_views=2)["learning_rate"]
    expected = [
        *(float(WarmCosine(HEAD, 2 * 2 * STEPS)(2 * STEPS * epoch)) for epoch in (1, 2)),
        *(float(WarmCosine(FINETUNE, 3 * STEPS)(STEPS * epoch)) for epoch in (1, 2, 3)),
    ]
    assert rates == pytest.approx(expected)


LARGE = dataclasses.replace(SMALL, image_size_px=(64, 64), network_px=48)


def growing(data, folder, **changes):
    """The head and the first two epochs of the network at 32 pixels, the last at 48."""
    (head,) = progressive(HEAD, {32: 1.0})
    stretches = progressive(FINETUNE, {32: 0.7, 48: 0.3})
    settings = {"model": LARGE, "phases": (head, *stretches), "augment": AugmentConfig()}
    return small_config(data, folder, **settings, save_every_min=0.0, **changes)


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """The run that nobody interrupted; the sizes of all pictures that it read, in order.

    And where each phase began in the endless stream of training pictures.
    """
    folder, sizes, firsts = tmp_path_factory.mktemp("straight") / "output", [], []

    def spied(stream):
        def spy(manifest, samples, labels, size_px, *rest, **named):
            how = ("changed",) if named.get("augment") else ()
            sizes.append((samples[0].split, size_px, *how))
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
    """No phase shows pictures and augmentations that another has shown; all go down one decay."""
    folder, (*sizes, plain, changed), firsts = straight
    assert firsts == [0, 6, 12]
    for split in ("train", "val"):
        in_order = [size for name, size in sizes if name == split]
        assert in_order == sorted(in_order)
        assert set(in_order) == {(32, 32), (48, 48)}
    assert (plain, changed) == (("val", (64, 64)), ("val", (64, 64), "changed"))
    saved = load_recogniser(folder / "model.keras")
    assert (size_of(saved), size_of(backbone_of(saved))) == ((64, 64), (48, 48))
    rows = curves(folder)
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
    assert checkpoint.latest(tmp_path / "checkpoints").position.total_steps == 5 * STEPS
    train(growing(data, tmp_path, resume=True))
    assert_same_run(tmp_path, straight[0])


def test_a_phase_of_its_own_size_learns_what_a_network_of_that_size_learns(
    data, tmp_path, monkeypatch
):
    """The stand-in pads nothing, so its weights mean the same at any size."""
    plain_steps.keras_own(monkeypatch)
    small = dataclasses.replace(LARGE, image_size_px=(32, 32), network_px=None)
    for name, model, size_px in (("small", small, None), ("large", LARGE, (32, 32))):
        phase = dataclasses.replace(FINETUNE, image_size_px=size_px)
        train(small_config(data, tmp_path / name, model=model, phases=(phase,)))
    one, other = (load_recogniser(tmp_path / n / "model.keras") for n in ("small", "large"))
    for a, b in zip(backbone_of(one).variables, backbone_of(other).variables, strict=True):
        np.testing.assert_array_equal(a, b)
