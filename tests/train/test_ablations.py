"""Whatever makes a run cheaper can be switched off: it ends all the same, and differs as meant."""

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.model import backbone_of, load_recogniser
from fingerspell.train import features, loop
from fingerspell.train.loop import WarmCosine
from fingerspell.train.state import BestWeights
from helpers.run_files import curves, weights
from helpers.small_run import FINETUNE, HEAD, small_config, train

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

STEPS = 3
"""Of an epoch: 24 pictures in batches of eight."""


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


def test_a_smaller_cache_holds_fewer_views_and_shortens_no_epoch(data, tmp_path, capsys):
    row_bytes = features.row_of(6, 3).itemsize
    full = frozen(data, tmp_path / "full")
    capsys.readouterr()
    small = frozen(data, tmp_path / "small", feature_cache_bytes=(12 + 47) * row_bytes)
    assert capsys.readouterr().out.count("1 of 2 views fit") == 1
    assert small["learning_rate"] == full["learning_rate"]
    assert small["loss"] != full["loss"]


def test_a_cache_too_small_for_one_view_is_told_of_and_not_used(data, tmp_path, capsys):
    told = frozen(data, tmp_path / "small", feature_cache_bytes=100)
    assert "0 of 2 views fit" in capsys.readouterr().out
    assert told == frozen(data, tmp_path / "none", feature_cache_bytes=0)


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
    monkeypatch.setattr(BestWeights, "consider", consider)
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
