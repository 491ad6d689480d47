"""Whatever makes a run cheaper can be switched off: it ends all the same, and differs as meant."""

import dataclasses

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.model import backbone_of, load_recogniser
from fingerspell.train import features
from fingerspell.train.loop import WarmCosine
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
    budget = 12 * row_bytes + 47 * row_bytes
    small = frozen(data, tmp_path / "small", feature_cache_bytes=budget)
    assert capsys.readouterr().out.count("1 of 2 views fit") == 1
    assert small["learning_rate"] == full["learning_rate"]
    assert small["loss"] != full["loss"]


def test_a_cache_too_small_for_one_view_is_told_of_and_not_used(data, tmp_path, capsys):
    told = frozen(data, tmp_path / "small", feature_cache_bytes=100)
    assert "0 of 2 views fit" in capsys.readouterr().out
    assert told == frozen(data, tmp_path / "none", feature_cache_bytes=0)


def test_without_averages_the_latest_weights_are_validated(data, tmp_path):
    averaged = runs(data, tmp_path / "averaged", average_epochs=2.0)
    latest = runs(data, tmp_path / "latest", average_epochs=0.0)
    assert latest["loss"] == averaged["loss"]
    assert latest["val_loss"][-1] != averaged["val_loss"][-1]


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (0, 4)])
def test_without_patience_a_phase_has_all_its_epochs(data, tmp_path, patience, epochs):
    """At a rate of nearly nothing the loss never gains."""
    still = dataclasses.replace(
        FINETUNE,
        learning_rate=1e-9,
        epochs=4,
        patience_epochs=patience,
        batchnorm_momentum=None,
    )
    rows = runs(data, tmp_path, phases=(still,), average_epochs=0.0)
    assert rows["epoch"] == list(range(1, epochs + 1))


def test_without_a_warm_up_the_first_step_is_at_the_peak(data, tmp_path):
    cold = dataclasses.replace(FINETUNE, warmup_share=0.0)
    assert float(WarmCosine(cold, 9)(0)) == pytest.approx(FINETUNE.learning_rate)
    assert float(WarmCosine(cold, 9)(1)) < FINETUNE.learning_rate
    assert (
        runs(data, tmp_path / "cold", phases=(cold,))["loss"]
        != (runs(data, tmp_path / "warm")["loss"])
    )


def test_each_row_tells_the_rate_at_its_epochs_end(data, tmp_path):
    rates = runs(data, tmp_path, phases=(HEAD, FINETUNE), feature_views=2)["learning_rate"]
    expected = [
        *(float(WarmCosine(HEAD, 2 * 2 * STEPS)(2 * STEPS * epoch)) for epoch in (1, 2)),
        *(float(WarmCosine(FINETUNE, 3 * STEPS)(STEPS * epoch)) for epoch in (1, 2, 3)),
    ]
    assert rates == pytest.approx(expected)
