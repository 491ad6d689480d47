"""Groups stay whole, shares come as near as groups allow, and leaks are counted."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.prepare.split import Shares, _leak, _missed, _place, _split_random, split_groups

SHARES = (0.70, 0.15, 0.15)


def grouped(sizes: list[int], label: str = "A") -> tuple[list[str], list[str]]:
    groups = [f"{label}{i}" for i, size in enumerate(sizes) for _ in range(size)]
    return [label] * len(groups), groups


def placed(sizes: list[int], seed: int) -> np.ndarray:
    return _place(np.array(sizes)[:, None], SHARES, np.random.default_rng(seed))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=3, max_size=30), st.integers(0, 5))
def test_no_group_is_torn_and_no_split_is_empty(sizes: list[int], seed: int) -> None:
    labels, groups = grouped(sizes)
    splits = split_groups(labels, groups, SHARES, seed)
    assert len(set(zip(groups, splits, strict=True))) == len(sizes)
    assert set(splits) == {"train", "val", "test"}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=3, max_size=6), st.integers(0, 3))
def test_few_groups_come_within_a_group_of_the_best_possible(sizes: list[int], seed: int) -> None:
    aim = np.array(SHARES) * sum(sizes)

    def miss(homes: np.ndarray) -> float:
        return float(np.abs(np.bincount(homes, sizes, 3) - aim).sum())

    every = (np.array(np.unravel_index(i, (3,) * len(sizes))) for i in range(3 ** len(sizes)))
    best = min(miss(homes) for homes in every if len(set(homes.tolist())) == 3)
    assert miss(placed(sizes, seed)) <= best + 1e-9


@pytest.mark.parametrize(
    ("sizes", "counts"),
    [([1] * 100, (70, 15, 15)), ([24] * 5, (72, 24, 24)), ([2, 5], (5, 0, 2)), ([7], (7, 0, 0))],
    ids=["single pictures", "five equal runs", "the larger of two trains", "one group"],
)
def test_groups_that_allow_it_reach_the_shares_exactly(
    sizes: list[int], counts: tuple[int, ...]
) -> None:
    splits = Counter(split_groups(*grouped(sizes), SHARES, 0))
    assert tuple(splits[name] for name in ("train", "val", "test")) == counts


@pytest.mark.parametrize(
    "sizes",
    [np.random.default_rng(0).integers(1, 9, 80).tolist(), [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]],
    ids=["many", "where cutting misses and the last ones are moved"],
)
def test_groups_of_mixed_size_come_within_a_picture(sizes: list[int]) -> None:
    for seed in range(5):
        got = np.bincount(placed(sizes, seed), sizes, 3)
        assert np.abs(got - np.array(SHARES) * sum(sizes)).max() < 0.6


def test_the_seed_decides_and_not_the_order_of_the_pictures() -> None:
    labels, groups = grouped([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5])
    splits = split_groups(labels, groups, SHARES, 1)
    assert split_groups(labels[::-1], groups[::-1], SHARES, 1)[::-1] == splits
    assert len({tuple(split_groups(labels, groups, SHARES, seed)) for seed in range(6)}) > 1


@pytest.mark.parametrize("count", [3, 4, 7, 120])
def test_a_random_split_fills_all_three(count: int) -> None:
    splits = Counter(_split_random(["A"] * count, SHARES, 0))
    assert set(splits) == {"train", "val", "test"}
    assert count == 3 or abs(splits["train"] - 0.7 * count) <= 1


def test_a_leak_is_counted_by_group_pair_and_test_picture() -> None:
    groups = ["g", "g", "g", "h", "h"]
    pairs = np.array([[0, 1], [1, 2], [3, 4]])
    found = _leak(["train", "test", "val", "test", "test"], groups, pairs)
    assert (found.torn_groups, found.crossing_pairs) == (1, 2)
    assert found.test_pictures_with_twin_in_train == 1


def signers(count: int, classes: str, seed: int) -> tuple[list[str], list[str]]:
    """Pictures of people who each show most of the letters."""
    rng = np.random.default_rng(seed)
    labels, groups = [], []
    for person in range(count):
        for label in classes:
            pictures = int(rng.integers(1, 20)) if rng.random() < 0.9 else 0
            labels += [label] * pictures
            groups += [f"signer{person}"] * pictures
    return labels, groups


@settings(max_examples=15, deadline=None)
@given(st.integers(3, 12), st.integers(0, 50))
def test_a_signer_is_never_torn_and_no_split_is_empty(count: int, seed: int) -> None:
    labels, groups = signers(count, "ABCD", seed)
    splits = split_groups(labels, groups, SHARES, seed)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    assert set(splits) == {"train", "val", "test"}


def test_signers_are_chosen_so_that_every_class_comes_near_its_shares() -> None:
    labels, groups = signers(300, "ABCDEFGH", 0)
    reached = _missed(labels, split_groups(labels, groups, SHARES, 0), SHARES)
    assert max(reached.values()) <= 1.0


def test_few_signers_are_split_as_well_as_can_be() -> None:
    labels, groups = signers(5, "ABC", 2)
    people = sorted(set(groups))

    def miss(splits: list[str]) -> float:
        table = Counter(zip(labels, splits, strict=True))
        return sum(
            abs(table[label, split] / labels.count(label) - share)
            for label in set(labels)
            for split, share in zip(("train", "val", "test"), SHARES, strict=True)
        )

    def by_people(homes: tuple[str, ...]) -> list[str]:
        home = dict(zip(people, homes, strict=True))
        return [home[group] for group in groups]

    ways = product(("train", "val", "test"), repeat=5)
    full = [way for way in ways if len(set(way)) == 3]
    whole = [w for w in full if len(set(zip(labels, by_people(w), strict=True))) == 9]
    best = min(miss(by_people(way)) for way in whole or full)
    assert miss(split_groups(labels, groups, SHARES, 1)) <= best + 1e-9


def test_a_class_that_one_signer_shows_alone_is_learnt() -> None:
    labels = ["A"] * 40 + ["B"] * 6
    groups = [f"s{i // 10}" for i in range(40)] + ["s3"] * 6
    for seed in range(5):
        splits = split_groups(labels, groups, SHARES, seed)
        assert set(splits[40:]) == {"train"}


def test_classes_that_share_no_group_are_still_split_by_themselves() -> None:
    alone = grouped([3, 4, 5, 6, 7, 8, 9, 10], "A")
    tied = signers(9, "BC", 0)
    both = split_groups(alone[0] + tied[0], alone[1] + tied[1], SHARES, 1)
    assert both[: len(alone[0])] == split_groups(*alone, SHARES, 1)
    assert both[len(alone[0]) :] == split_groups(*tied, SHARES, 1)


@pytest.mark.parametrize(
    ("shares", "filled"),
    [
        ((0.8, 0.2, 0.0), {"train", "val"}),
        ((0.8, 0.0, 0.2), {"train", "test"}),
        ((1.0, 0.0, 0.0), {"train"}),
        ((0.0, 0.0, 1.0), {"test"}),
    ],
)
def test_a_share_of_nothing_gets_nothing(shares: Shares, filled: set[str]) -> None:
    for sizes in ([4] * 10, [4, 3], [5, 1, 2]):
        assert set(split_groups(*grouped(sizes), shares, 0)) == filled
    assert set(split_groups(*grouped([7]), (0.0, 0.5, 0.5), 0)) == {"val"}


def test_what_a_split_misses_is_said_in_points_for_each_class() -> None:
    labels = ["A"] * 20 + ["B"] * 4 + ["C"]
    a = ["train"] * 14 + ["val"] * 3 + ["test"] * 3
    told = _missed(labels, [*a, *["train"] * 3, "test", "unseen_signers"], SHARES)
    assert told == pytest.approx({"A": 0.0, "B": 15.0})


def test_no_class_is_left_out_of_a_split_where_another_way_is_left() -> None:
    counts = np.array([[1, 6], [0, 4], [10, 4], [0, 2], [5, 0]])
    homes = _place(counts, SHARES, np.random.default_rng(0))
    assert all((counts[homes == split].sum(axis=0) > 0).all() for split in range(3))


def test_a_small_class_counts_as_much_as_a_large_one() -> None:
    rng = np.random.default_rng(3)
    counts = np.stack([rng.integers(50, 150, 30), rng.integers(0, 3, 30)], axis=1)
    homes = _place(counts, SHARES, np.random.default_rng(0))
    got = np.stack([counts[homes == split].sum(axis=0) for split in range(3)]) / counts.sum(axis=0)
    assert np.abs(got - np.array(SHARES)[:, None]).max() < 0.03
