"""Figures that were worked out by hand; intervals that claim neither too much nor too little."""

import numpy as np
import pytest

from fingerspell.errors import DataError
from fingerspell.evaluate import metrics
from fingerspell.evaluate.metrics import cluster_bootstrap, wilson

LABELS = ("A", "B", "J", "nothing")
TRUTH = np.array([0, 0, 0, 1, 1, 3])
ANSWERS = np.array([0, 0, 1, 1, 3, 3])
SURE = np.eye(4)[ANSWERS]


def test_accuracy_is_the_share_of_right_answers_and_rows_of_the_matrix_are_true_classes():
    assert metrics.accuracy(TRUTH, SURE) == pytest.approx(4 / 6)
    assert metrics.accuracy(TRUTH[:0], SURE[:0]) is None
    matrix = metrics.confusion_matrix(TRUTH, ANSWERS, 4).tolist()
    assert matrix == [[2, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_each_class_has_its_figures_and_one_without_pictures_is_unknown_not_nought():
    a, b, j, nothing = metrics.class_scores(metrics.confusion_matrix(TRUTH, ANSWERS, 4))
    shares = (a.accuracy, a.precision, a.recall, a.f1)
    assert a.support == 3 and shares == pytest.approx((2 / 3, 1.0, 2 / 3, 0.8))
    assert (b.precision, b.recall, b.f1) == (0.5, 0.5, 0.5)
    assert (nothing.precision, nothing.recall) == (0.5, 1.0)
    assert (j.support, j.accuracy, j.precision, j.recall, j.f1) == (0, None, None, None, None)
    assert metrics.macro_f1([a, b, j, nothing]) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


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


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [(81, 263, (0.2553, 0.3662)), (0, 10, (0.0, 0.2775)), (10, 10, (0.7225, 1.0))],
)
def test_wilson_gives_the_published_example_and_stays_inside_nought_and_one(right, of, interval):
    """The first is Newcombe 1998, table I."""
    low, high = wilson(right, of)
    assert (low, high) == pytest.approx(interval, abs=1e-4)
    assert low >= 0.0 and high <= 1.0


def test_no_trials_and_one_group_have_no_interval():
    assert wilson(0, 0) is None
    assert cluster_bootstrap(np.ones(5, bool), ["a"] * 5) is None
    assert cluster_bootstrap(np.ones(0, bool), []) is None


def test_whole_groups_that_fail_together_widen_the_interval():
    right = np.repeat([True, False] * 5, 100)
    groups = np.repeat([f"run{i}" for i in range(10)], 100).tolist()
    low, high = cluster_bootstrap(right, groups)
    narrow_low, narrow_high = wilson(500, 1000)
    assert high - low > 5 * (narrow_high - narrow_low)
    assert low < 0.5 < high
    assert cluster_bootstrap(right, groups) == (low, high), "the same seed, the same interval"


def test_groups_of_one_picture_give_about_the_independent_interval():
    right = np.arange(1000) % 10 != 0
    found = cluster_bootstrap(right, [str(i) for i in range(1000)])
    assert found == pytest.approx(wilson(900, 1000), abs=0.005)


def test_a_large_group_weighs_by_its_pictures():
    right = np.array([True] * 98 + [False, False])
    low, high = cluster_bootstrap(right, ["big"] * 98 + ["small"] * 2)
    assert (low, high) == (0.0, 1.0)
    assert cluster_bootstrap(right, ["a"] * 50 + ["b"] * 50) == (pytest.approx(0.96), 1.0)
