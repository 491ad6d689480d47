"""The loop that stands in for Keras's in tests of what a run remembers: it learns the same."""

import dataclasses

import numpy as np

from fingerspell.config import AugmentConfig
from helpers import plain_steps
from helpers.run_files import curves, weights
from helpers.small_run import SMALL, small_config, train


def test_it_learns_what_keras_own_loop_learns(tiny_network, data, tmp_path, monkeypatch):
    """Rates, moments, averages and statistics; dropout draws the same masks."""
    model = dataclasses.replace(SMALL, dropout=0.3)
    settings = {"augment": AugmentConfig(), "model": model}
    train(small_config(data, tmp_path / "graphs", **settings))
    plain_steps.install(monkeypatch)
    train(small_config(data, tmp_path / "plain", **settings))
    ours, theirs = (curves(tmp_path / name) for name in ("plain", "graphs"))
    assert ours["phase"] == theirs["phase"]
    for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, err_msg=name)
    for one, other in zip(weights(tmp_path / "plain"), weights(tmp_path / "graphs"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
