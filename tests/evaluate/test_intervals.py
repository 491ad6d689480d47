"""Intervals that claim neither too much nor too little."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell.evaluate.metrics import cluster_bootstrap, wilson


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [
        (81, 263, (0.2553, 0.3662)),  # Newcombe 1998, table I.
        (0, 10, (0.0, 0.2775)),
        (10, 10, (0.7225, 1.0)),
    ],
)
def test_wilson_gives_the_published_example_and_stays_inside_nought_and_one(right, of, interval):
    assert wilson(right, of) == pytest.approx(interval, abs=1e-4)
    assert wilson(right, of)[0] >= 0.0 and wilson(right, of)[1] <= 1.0


def test_no_trials_and_one_group_have_no_interval():
    assert wilson(0, 0) is None
    assert cluster_bootstrap(np.ones(5, bool), ["a"] * 5) is None
    assert cluster_bootstrap(np.ones(0, bool), []) is None


def test_whole_groups_that_fail_together_widen_the_interval():
    right = np.repeat([True, False] * 5, 100)
    low, high = cluster_bootstrap(right, np.repeat([f"run{i}" for i in range(10)], 100).tolist())
    narrow_low, narrow_high = wilson(500, 1000)
    assert high - low > 5 * (narrow_high - narrow_low)
    assert low < 0.5 < high


def test_groups_of_one_picture_give_about_the_independent_interval():
    right = np.arange(1000) % 10 != 0
    found = cluster_bootstrap(right, [str(i) for i in range(1000)])
    assert found == pytest.approx(wilson(900, 1000), abs=0.005)


def test_a_large_group_weighs_by_its_pictures():
    right = np.array([True] * 98 + [False, False])
    low, high = cluster_bootstrap(right, ["big"] * 98 + ["small"] * 2)
    assert (low, high) == (0.0, 1.0)
    assert cluster_bootstrap(right, ["a"] * 50 + ["b"] * 50) == (pytest.approx(0.96), 1.0)


def test_the_same_seed_gives_the_same_interval():
    right, groups = np.arange(60) % 3 > 0, [str(i // 6) for i in range(60)]
    assert cluster_bootstrap(right, groups) == cluster_bootstrap(right, groups)
