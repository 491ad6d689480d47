"""A first guess for a class that the head does not know."""

import numpy as np
import pytest

from fingerspell.train.adapt import imprint


def features(rng, labels, spread=0.3):
    """Twenty pictures a class around a centre of its own."""
    centres = rng.normal(size=(len(labels), 16)).astype(np.float32)
    return {
        label: (centre + spread * rng.normal(size=(20, 16))).astype(np.float32)
        for label, centre in zip(labels, centres, strict=True)
    }


@pytest.fixture
def case():
    """Three known classes, read by their centres; `New` in the middle is all zero."""
    rows = features(np.random.default_rng(3), ("A", "New", "S", "Z"))
    kernel = np.stack([r.mean(axis=0) for r in rows.values()], axis=1)
    bias = -0.5 * (kernel**2).sum(axis=0)
    kernel[:, 1], bias[1] = 0, bias[[0, 2, 3]].mean()  # As a released head is widened.
    return rows, kernel, bias


def answers(rows, kernel, bias):
    return {x: (r @ kernel + bias).argmax(axis=1) for x, r in rows.items()}


def test_a_new_class_is_the_answer_to_its_own_pictures_and_to_few_others(case):
    rows, kernel, bias = case
    before = answers(rows, kernel, bias)
    after = answers(rows, *imprint(kernel, bias, rows, ["New"]))
    assert (before["New"] == 1).mean() == 0 and (after["New"] == 1).mean() >= 0.3
    for number, label in ((0, "A"), (2, "S"), (3, "Z")):
        assert (after[label] == number).mean() >= 0.9


def test_on_its_own_pictures_it_is_as_likely_as_the_best_known_one(case):
    rows, kernel, bias = case
    kernel, bias = imprint(kernel, bias, rows, ["New"])
    scores = rows["New"] @ kernel + bias
    assert scores[:, 1].mean() == pytest.approx(scores[:, [0, 2, 3]].max(axis=1).mean(), abs=1e-4)


def test_known_classes_and_the_arrays_given_stay_as_they_are(case):
    rows, kernel, bias = case
    kept = kernel.copy(), bias.copy()
    new_kernel, new_bias = imprint(kernel, bias, rows, ["New"])
    known = [0, 2, 3]
    np.testing.assert_array_equal(new_kernel[:, known], kernel[:, known])
    np.testing.assert_array_equal(new_bias[known], bias[known])
    np.testing.assert_array_equal(kernel, kept[0])
    np.testing.assert_array_equal(bias, kept[1])


def test_a_class_that_nothing_sets_apart_does_no_harm():
    rows = {label: np.ones((3, 4), np.float32) for label in ("A", "B")}
    kernel, bias = imprint(np.zeros((4, 2), np.float32), np.zeros(2, np.float32), rows, ["B"])
    assert np.isfinite(kernel).all() and np.isfinite(bias).all()
