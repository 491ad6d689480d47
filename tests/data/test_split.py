"""Groups stay whole, shares come as near as groups allow, and leaks are counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.data.split import leak, place, split_groups, split_random

SHARES = (0.70, 0.15, 0.15)


def grouped(sizes: list[int], label: str = "A") -> tuple[list[str], list[str]]:
    groups = [f"{label}{i}" for i, size in enumerate(sizes) for _ in range(size)]
    return [label] * len(groups), groups


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=3, max_size=30), st.integers(0, 5))
def test_no_group_is_torn_and_no_split_is_empty(sizes: list[int], seed: int) -> None:
    labels, groups = grouped(sizes)
    splits = split_groups(labels, groups, SHARES, seed)
    assert len(set(zip(groups, splits, strict=True))) == len(sizes)
    assert set(splits) == {"train", "val", "test"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=3, max_size=6), st.integers(0, 3))
def test_few_groups_come_within_a_group_of_the_best_possible(sizes: list[int], seed: int) -> None:
    aim = np.array(SHARES) * sum(sizes)

    def miss(homes: np.ndarray) -> float:
        return float(np.abs(np.bincount(homes, sizes, 3) - aim).sum())

    every = (np.array(np.unravel_index(i, (3,) * len(sizes))) for i in range(3 ** len(sizes)))
    best = min(miss(homes) for homes in every if len(set(homes.tolist())) == 3)
    assert miss(place(sizes, SHARES, np.random.default_rng(seed))) <= best + 1e-9


def test_single_pictures_reach_the_shares_exactly() -> None:
    splits = Counter(split_groups(*grouped([1] * 100), SHARES, 1))
    assert splits == {"train": 70, "val": 15, "test": 15}


def test_many_groups_of_mixed_size_come_within_one_picture() -> None:
    sizes = np.random.default_rng(0).integers(1, 9, 80).tolist()
    splits = Counter(split_groups(*grouped(sizes), SHARES, 1))
    for name, share in zip(("train", "val", "test"), SHARES, strict=True):
        assert abs(splits[name] - share * sum(sizes)) <= 1


def test_the_last_pictures_are_moved_where_cutting_misses() -> None:
    sizes = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    for seed in range(5):
        homes = place(sizes, SHARES, np.random.default_rng(seed))
        miss = np.abs(np.bincount(homes, sizes, 3) - np.array(SHARES) * sum(sizes)).sum()
        assert miss < 1


def test_five_equal_runs_go_three_one_one() -> None:
    splits = Counter(split_groups(*grouped([24] * 5), SHARES, 1))
    assert splits == {"train": 72, "val": 24, "test": 24}


def test_the_largest_group_trains() -> None:
    labels, groups = grouped([3, 100, 4])
    splits = split_groups(labels, groups, SHARES, 0)
    assert {s for g, s in zip(groups, splits, strict=True) if g == "A1"} == {"train"}


def test_two_groups_train_and_test_and_one_group_trains() -> None:
    labels, groups = grouped([2, 5])
    assert split_groups(labels, groups, SHARES, 0) == ["test"] * 2 + ["train"] * 5
    assert set(split_groups(*grouped([7]), SHARES, 0)) == {"train"}


def test_every_class_is_split_by_itself() -> None:
    a, b = grouped([1] * 20, "A"), grouped([1] * 20, "B")
    splits = split_groups(a[0] + b[0], a[1] + b[1], SHARES, 3)
    assert Counter(splits[:20]) == Counter(splits[20:]) == {"train": 14, "val": 3, "test": 3}


def test_the_seed_decides_and_only_the_seed() -> None:
    data = grouped([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5])
    assert split_groups(*data, SHARES, 1) == split_groups(*data, SHARES, 1)
    assert len({tuple(split_groups(*data, SHARES, seed)) for seed in range(6)}) > 1


def test_adding_a_class_leaves_the_others_where_they_are() -> None:
    a, b = grouped([2, 3, 4, 5, 6], "A"), grouped([2, 3, 4, 5, 6], "B")
    alone = split_groups(*a, SHARES, 1)
    assert split_groups(a[0] + b[0], a[1] + b[1], SHARES, 1)[: len(alone)] == alone


@pytest.mark.parametrize("count", [4, 7, 120])
def test_a_random_split_fills_all_three(count: int) -> None:
    splits = Counter(split_random(["A"] * count, SHARES, 0))
    assert set(splits) == {"train", "val", "test"}
    assert abs(splits["train"] - 0.7 * count) <= 1


def test_three_pictures_go_to_three_splits() -> None:
    assert sorted(split_random(["A"] * 3, SHARES, 0)) == ["test", "train", "val"]


def test_a_leak_is_counted_by_group_pair_and_test_picture() -> None:
    groups = ["g", "g", "g", "h", "h"]
    pairs = np.array([[0, 1], [1, 2], [3, 4]])
    found = leak(["train", "test", "val", "test", "test"], groups, pairs)
    assert (found.torn_groups, found.crossing_pairs) == (1, 2)
    assert found.test_pictures_with_twin_in_train == 1


def test_a_split_by_groups_leaks_nothing() -> None:
    labels, groups = grouped([4] * 6)
    pairs = np.array([[i, i + 1] for i in range(0, 24, 2)])
    found = leak(split_groups(labels, groups, SHARES, 0), groups, pairs)
    assert (found.torn_groups, found.crossing_pairs) == (0, 0)
