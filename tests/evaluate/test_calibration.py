"""A probability can be taken at its word, or be mended."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell.evaluate.calibration import (
    apply_temperature,
    bins,
    expected_calibration_error,
    fit_temperature,
    log_loss,
)


def synthetic(temperature: float, count: int = 20_000):
    """True classes drawn from softmax(z), and a network that says softmax(z / temperature)."""
    random = np.random.default_rng(0)
    honest = apply_temperature(np.exp(random.normal(size=(count, 5)) * 2), 1.0)
    truth = (honest.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1)
    return truth, apply_temperature(honest, temperature)


@pytest.mark.parametrize("said", [0.4, 1.0, 2.5])
def test_the_temperature_undoes_over_and_under_confidence(said: float):
    truth, probabilities = synthetic(said)
    assert fit_temperature(probabilities, truth) == pytest.approx(1 / said, rel=0.03)


def test_the_fitted_temperature_lowers_loss_and_calibration_error():
    truth, probabilities = synthetic(0.4)
    mended = apply_temperature(probabilities, fit_temperature(probabilities, truth))
    assert log_loss(truth, mended) < log_loss(truth, probabilities)
    assert expected_calibration_error(truth, probabilities) > 0.1
    assert expected_calibration_error(truth, mended) < 0.02


def test_temperature_never_changes_the_top_class():
    _, probabilities = synthetic(1.0, 200)
    hot = apply_temperature(probabilities, 7.0)
    assert (hot.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    np.testing.assert_allclose(hot.sum(axis=1), 1)


def test_a_temperature_on_probabilities_is_one_on_their_logits():
    logits = np.array([[2.0, -1.0, 0.5]])
    softmax = np.exp(logits) / np.exp(logits).sum()
    expected = np.exp(logits / 3) / np.exp(logits / 3).sum()
    np.testing.assert_allclose(apply_temperature(softmax, 3.0), expected)


def views(count: int = 4_000):
    """True classes and the answers (N, 2, C) of two views that differ."""
    truth, one = synthetic(1.0, count)
    other = apply_temperature(one * np.random.default_rng(1).uniform(0.1, 1, one.shape), 1.0)
    return truth, np.stack([one, other], axis=1)


def test_of_several_views_each_is_scaled_and_their_mean_is_the_answer():
    _, both = views(20)
    expected = (apply_temperature(both[:, 0], 2.0) + apply_temperature(both[:, 1], 2.0)) / 2
    np.testing.assert_allclose(apply_temperature(both, 2.0), expected)


def test_the_temperature_of_several_views_is_the_best_for_their_mean():
    truth, both = views()
    found = fit_temperature(both, truth)
    best = log_loss(truth, apply_temperature(both, found))
    for other in (found / 1.05, found * 1.05, fit_temperature(both.mean(axis=1), truth)):
        assert best < log_loss(truth, apply_temperature(both, other))


def test_the_temperature_stays_finite_without_pictures_and_without_mistakes():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1.0
    assert 0.04 < fit_temperature(np.eye(3), np.arange(3)) < 21


def test_calibration_error_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    truth = np.array([0, 0, 0, 1])
    assert expected_calibration_error(truth, probabilities) == pytest.approx((0.2 + 0.2) / 4)
    assert expected_calibration_error(np.zeros(0, int), np.zeros((0, 3))) is None


def test_bins_hold_every_picture_once_full_confidence_in_the_last():
    truth, probabilities = synthetic(1.0, 500)
    filled = bins(truth, probabilities)
    assert sum(b["pictures"] for b in filled) == 500
    assert all(b["low"] <= b["confidence"] <= b["high"] for b in filled)
    (last,) = bins(np.array([0]), np.array([[1.0, 0.0]]))
    assert (last["high"], last["accuracy"]) == (1.0, 1.0)
