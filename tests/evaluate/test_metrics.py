"""Figures that were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell.errors import DataError
from fingerspell.evaluate import metrics

LABELS = ("A", "B", "J", "nothing")
TRUTH = np.array([0, 0, 0, 1, 1, 3])
ANSWERS = np.array([0, 0, 1, 1, 3, 3])
SURE = np.eye(4)[ANSWERS]


def scores():
    return metrics.class_scores(metrics.confusion_matrix(TRUTH, ANSWERS, 4))


def test_accuracy_is_the_share_of_right_answers_and_unknown_without_pictures():
    assert metrics.accuracy(TRUTH, SURE) == pytest.approx(4 / 6)
    assert metrics.accuracy(TRUTH[:0], SURE[:0]) is None


def test_rows_are_true_classes_and_columns_answers():
    matrix = metrics.confusion_matrix(TRUTH, ANSWERS, 4).tolist()
    assert matrix == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_each_class_has_its_precision_recall_and_f1():
    a, b, _, nothing = scores()
    shares = (a.accuracy, a.precision, a.recall, a.f1)
    assert a.support == 3 and shares == pytest.approx((2 / 3, 1.0, 2 / 3, 0.8))
    assert (b.precision, b.recall, b.f1) == (0.5, 0.5, 0.5)
    assert (nothing.precision, nothing.recall) == (0.5, 1.0)


def test_a_class_without_pictures_is_unknown_not_nought_and_left_out_of_macro_f1():
    j = scores()[2]
    assert (j.support, j.accuracy, j.precision, j.recall, j.f1) == (0, None, None, None, None)
    assert metrics.macro_f1(scores()) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_a_class_that_is_never_named_has_no_precision_but_counts_with_f1_nought():
    matrix = metrics.confusion_matrix(np.array([0, 1]), np.array([0, 0]), 2)
    b = metrics.class_scores(matrix)[1]
    assert (b.precision, b.recall, b.f1) == (None, 0.0, 0.0)
    assert metrics.macro_f1(metrics.class_scores(matrix)) == pytest.approx(1 / 3)


def test_the_most_frequent_confusions_come_first():
    matrix = np.array([[5, 1, 0, 0], [0, 2, 0, 3], [0, 0, 0, 0], [0, 1, 0, 7]])
    found = metrics.top_confusions(matrix, LABELS, count=2)
    assert [(c.truth, c.answer, c.count) for c in found] == [("B", "nothing", 3), ("A", "B", 1)]
    assert found[0].share == pytest.approx(3 / 5)


def test_letters_alone_are_measured_with_every_answer_allowed():
    assert metrics.subset_accuracy(TRUTH, SURE, LABELS, ["A", "B"]) == (pytest.approx(3 / 5), 5)
    assert metrics.subset_accuracy(TRUTH, SURE, LABELS, ["J", "X"]) == (None, 0), "no pictures"


def test_the_threshold_trades_coverage_for_accuracy():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]])
    found = metrics.acceptance(np.array([0, 1, 1, 1]), probabilities, 0.7)
    assert found == {"threshold": 0.7, "coverage": 0.75, "accuracy": pytest.approx(2 / 3)}
    nothing = metrics.acceptance(np.array([0]), np.array([[0.5, 0.5]]), 0.7)
    assert (nothing["coverage"], nothing["accuracy"]) == (0.0, None)


@pytest.mark.parametrize(
    ("truth", "probabilities", "said"),
    [
        (np.array([0]), np.eye(3)[:1], r"shape \(1, 3\)"),
        (np.array([0, 1]), np.eye(4)[:1], r"shape \(1, 4\)"),
        (np.array([4]), np.eye(4)[:1], "class numbers from 4"),
        (np.array([-1]), np.eye(4)[:1], "class numbers from -1"),
        (np.array([0]), np.full((1, 4), np.nan), "not numbers"),
    ],
)
def test_what_does_not_fit_together_is_refused(truth, probabilities, said):
    with pytest.raises(DataError, match=said):
        metrics.check(truth, probabilities, LABELS)
