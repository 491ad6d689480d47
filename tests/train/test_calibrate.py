"""From which probability on a finished run's answers are believed."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.dataset.manifest import read_manifest
from fingerspell.evaluate.calibration import apply_temperature, fit_temperature, log_loss
from fingerspell.train.calibrate import HIGHEST_THRESHOLD, _choose_threshold, calibrate
from fingerspell.train.phases import validation_stream
from fingerspell.train.session import Run
from helpers.small_run import SMALL, small_config

LABELS = ("A", "B", "nothing")
EMPTY = np.zeros((0, 3))


def answers(confidences, label=0):
    """Answers `label` with the confidences given; the rest goes to the others."""
    rows = np.empty((len(confidences), 3))
    rows[:] = (1 - np.asarray(confidences, np.float64))[:, None] / 2
    rows[:, label] = confidences
    return rows


def half_wrong_below(edge, count=1000):
    top = np.linspace(0.5, 0.999, count)
    truth = np.where((top < edge) & (np.arange(count) % 2 == 0), 1, 0)
    return truth, answers(top)


def chosen(truth, probabilities, strange=EMPTY, least=0.3, labels=LABELS):
    return _choose_threshold(truth, probabilities, strange, labels, least)


def test_mistakes_of_the_unsure_raise_the_threshold():
    said = chosen(*half_wrong_below(0.8))
    assert 0.75 < said["threshold"] < 0.8 and said["threshold"] == said["fitted"]
    assert said["pictures"] == 1000 and said["non_letters"] == 0


def test_it_is_never_below_the_least():
    said = chosen(*half_wrong_below(0.0), least=0.7)
    assert said["threshold"] == 0.7 and said["fitted"] == 0.5
    assert chosen(*half_wrong_below(0.8), least=0.95)["threshold"] == 0.95


def weak(count=1000):
    """Every other answer is wrong below 0.9, and every tenth above: 97 % is out of reach."""
    top = np.linspace(0.5, 0.999, count)
    number = np.arange(count)
    truth = np.where(np.where(top < 0.9, number % 2, number % 10) == 0, 1, 0)
    return truth, answers(top)


def test_a_network_too_weak_for_any_threshold_ships_the_one_at_which_it_is_right_most_often():
    truth, probabilities = weak()
    said = chosen(truth, probabilities, least=0.6)
    assert said["fitted"] is None and said["threshold"] >= 0.89
    accepted = probabilities.max(axis=1) >= said["threshold"]
    assert said["reached"] == pytest.approx((truth == 0)[accepted].mean())
    assert said["reached"] == pytest.approx(0.9, abs=0.02) and said["right"] == 0.97
    assert said["coverage"] == pytest.approx(accepted.mean())


def test_where_pictures_are_too_few_to_tell_the_least_stands_and_what_it_reached_is_said():
    truth, probabilities = weak(60)
    said = chosen(truth, probabilities, least=0.6)
    assert said["threshold"] == 0.6 and said["fitted"] is None
    assert said["reached"] == pytest.approx((truth == 0)[12:].mean(), abs=0.02)


def test_what_is_reached_is_that_of_the_threshold_that_ships():
    truth, probabilities = half_wrong_below(0.8)
    low, high = (chosen(truth, probabilities, least=least) for least in (0.3, 0.9))
    assert low["reached"] == pytest.approx(0.97, abs=0.01) and high["reached"] == 1.0
    assert high["coverage"] == pytest.approx(0.2, abs=0.01) and low["coverage"] > 0.4


def test_where_nothing_is_accepted_nothing_is_reached():
    said = chosen(np.zeros(5, int), answers(np.full(5, 0.5)), least=0.7)
    assert said["reached"] is None and said["coverage"] == 0


def test_a_recogniser_keeps_answering_something():
    truth = np.concatenate([np.ones(400), np.zeros(400)]).astype(int)
    said = chosen(truth, answers(np.concatenate([np.full(400, 0.9), np.full(400, 1.0)])))
    assert said["fitted"] == 1.0 and said["threshold"] == HIGHEST_THRESHOLD


def test_strange_hands_raise_it_and_weigh_a_tenth_however_many_there_are():
    """Above 0.76 they are 3 % of what is accepted."""
    truth, probabilities = half_wrong_below(0.0)
    for count in (10, 1000):
        strange = answers(np.linspace(0.5, 0.8, count))
        assert chosen(truth, probabilities, strange)["threshold"] == pytest.approx(0.763, abs=0.01)


def test_nothing_is_a_right_answer_to_a_strange_hand():
    truth, probabilities = half_wrong_below(0.0)
    strange = answers(np.full(100, 0.8), LABELS.index("nothing"))
    assert chosen(truth, probabilities, strange)["fitted"] == 0.5
    assert chosen(truth, probabilities, strange, labels=("A", "B", "C"))["fitted"] > 0.8


def by_colour(pictures, *_, **__):
    """Answers by the mean of each channel, as a network that has learnt colours would."""
    raised = np.exp(5 * np.concatenate([x for x, *_ in pictures]).mean(axis=(1, 2)))
    return raised / raised.sum(axis=1, keepdims=True)


def test_temperature_and_threshold_are_fitted_to_changed_pictures(data, tmp_path, monkeypatch):
    """As they are, validation pictures show the training's own people: too easy a measure."""
    for name in ("views_network", "fold_temperature"):
        monkeypatch.setattr(f"fingerspell.train.calibrate.{name}", lambda model, *_: model)
    network = SimpleNamespace(predict=by_colour, variables=())
    config = small_config(data, tmp_path, augment=AugmentConfig())
    run = Run(config, read_manifest(data), network, "")
    stream = functools.partial(validation_stream, run, SMALL.image_size_px)
    plain, harder = (by_colour(stream(change)) for change in (None, config.augment))
    assert np.abs(plain - harder).max() > 0.01
    truth = np.repeat(np.arange(3), len(plain) // 3)
    found = calibrate(run, stream, np.zeros((0, 32, 32, 3), np.float32))
    assert found.temperature == pytest.approx(fit_temperature(harder, truth))
    calibrated = apply_temperature(harder, found.temperature)
    assert found.rejection == chosen(truth, calibrated, least=config.threshold)
    assert found.accuracy == (plain.argmax(axis=1) == truth).mean()
    loss = log_loss(truth, apply_temperature(plain, found.temperature))
    assert found.loss == pytest.approx(loss, abs=1e-6)
