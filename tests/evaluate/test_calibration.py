"""A probability can be taken at its word or be mended; when to believe an answer."""

import numpy as np
import pytest

from fingerspell.evaluate.calibration import (
    _COVERAGES,
    _LEAST_ACCEPTED,
    NOBODY,
    apply_temperature,
    bins,
    expected_calibration_error,
    fit_temperature,
    fit_threshold,
    log_loss,
    risk_coverage,
    surest_threshold,
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


def test_the_fitted_temperature_lowers_loss_and_calibration_error_and_changes_no_answer():
    truth, probabilities = synthetic(0.4)
    mended = apply_temperature(probabilities, fit_temperature(probabilities, truth))
    assert log_loss(truth, mended) < log_loss(truth, probabilities)
    assert expected_calibration_error(truth, probabilities) > 0.1
    assert expected_calibration_error(truth, mended) < 0.02
    assert (mended.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    np.testing.assert_allclose(mended.sum(axis=1), 1)


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


def sure(confidences, rights):
    """Two classes: answers of a given confidence for class 0, right or not."""
    top = np.asarray(confidences, np.float64)
    truth = np.where(np.asarray(rights, bool), 0, 1)
    return truth, np.stack([top, 1 - top], axis=1)


def ladder(count, wrong_below, step=2):
    """`count` answers from 0.6 up to 1; below a confidence every `step`-th is wrong."""
    top = np.linspace(0.6, 1.0, count)
    return sure(top, (top >= wrong_below) | (np.arange(count) % step > 0))


def test_the_lowest_threshold_that_keeps_the_promise_is_found():
    truth, probabilities = ladder(1000, wrong_below=0.8)
    fitted = fit_threshold(truth, probabilities)
    assert fitted is not None
    accepted = probabilities.max(axis=1) >= fitted.threshold
    right = probabilities.argmax(axis=1) == truth
    assert right[accepted].mean() == pytest.approx(fitted.accuracy) and fitted.accuracy >= 0.97
    assert accepted.mean() == pytest.approx(fitted.coverage)
    assert accepted.sum() == fitted.pictures
    lower = probabilities.max(axis=1) >= fitted.threshold - 0.004
    assert right[lower].mean() < 0.97


def test_a_network_that_is_always_right_is_always_believed():
    for fit in (fit_threshold, surest_threshold):
        fitted = fit(*ladder(200, wrong_below=0.0))
        assert fitted is not None and (fitted.coverage, fitted.threshold) == (1, 0.6)
    fitted = fit_threshold(*sure(np.linspace(0.6, 1.0, 1000), np.arange(1000) < 999))
    assert fitted is not None and fitted.coverage == 1, "one surest mistake does not spoil it"


def test_without_pictures_or_a_promise_that_can_be_kept_there_is_no_threshold():
    nothing = np.zeros(0, np.intp), np.zeros((0, 2))
    assert fit_threshold(*ladder(1000, wrong_below=1.1)) is None
    assert fit_threshold(*nothing) is None and surest_threshold(*nothing) is None
    assert risk_coverage(*nothing) == []


def test_a_weak_network_has_a_threshold_at_which_it_is_right_most_often():
    """Every other answer is wrong below 0.8, and every tenth above."""
    top = np.linspace(0.6, 1.0, 1000)
    number = np.arange(1000)
    truth, probabilities = sure(top, np.where(top < 0.8, number % 2 > 0, number % 10 > 0))
    assert fit_threshold(truth, probabilities) is None
    surest = surest_threshold(truth, probabilities)
    assert surest is not None and surest.pictures >= _LEAST_ACCEPTED
    assert 0.8 <= surest.threshold < 1 and surest.accuracy == pytest.approx(0.9, abs=0.01)
    accepted = probabilities.max(axis=1) >= surest.threshold
    assert (truth == 0)[accepted].mean() == pytest.approx(surest.accuracy)


@pytest.mark.parametrize(("count", "fits"), [(_LEAST_ACCEPTED - 1, False), (_LEAST_ACCEPTED, True)])
def test_a_handful_of_pictures_proves_nothing(count, fits):
    assert (fit_threshold(*ladder(count, wrong_below=0.0)) is not None) is fits
    assert fits or surest_threshold(*ladder(count, wrong_below=1.1)) is None


def test_equal_confidences_are_taken_together():
    tops = [0.9] * 200 + [0.8] * 100
    fitted = fit_threshold(*sure(tops, [True] * 250 + [False] * 50))
    assert fitted is not None and (fitted.threshold, fitted.pictures) == (0.9, 200)


def test_pictures_of_nothing_known_raise_the_threshold():
    truth, probabilities = ladder(1000, wrong_below=0.0)
    strange = sure([0.75] * 100, [True] * 100)[1]
    both = np.concatenate([truth, np.full(100, NOBODY)]), np.concatenate([probabilities, strange])
    alone, among = fit_threshold(truth, probabilities), fit_threshold(*both)
    assert alone is not None and among is not None
    assert alone.threshold == 0.6 and among.threshold > 0.75


def test_a_picture_may_count_for_less():
    truth, probabilities = ladder(1000, wrong_below=0.8)
    light = np.where(probabilities.argmax(axis=1) == truth, 1.0, 1e-6)
    fitted = fit_threshold(truth, probabilities, light)
    assert fitted is not None and fitted.threshold == 0.6 and fitted.accuracy > 0.999


def test_the_surest_answers_are_right_more_often():
    rows = risk_coverage(*ladder(1000, wrong_below=0.8))
    assert [row["coverage"] for row in rows] == list(_COVERAGES)
    assert rows[0] == {"coverage": 1.0, "threshold": 0.6, "accuracy": pytest.approx(0.75)}
    assert rows[-1]["accuracy"] == 1 and rows[-1]["threshold"] == pytest.approx(0.8, abs=1e-3)
    accuracies = [row["accuracy"] for row in rows]
    assert accuracies == sorted(accuracies)
