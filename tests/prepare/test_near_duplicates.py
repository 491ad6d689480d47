"""All near pairs among few hashes, nearly all among many, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.prepare import near_duplicates
from fingerspell.prepare.groups import connect
from fingerspell.prepare.near_duplicates import (
    Pairs,
    Words,
    _is_near,
    _once,
    every_pair,
    near_pairs,
    tables,
)

NEAR_BITS = 18


def runs(count: int, frames: int, seed: int = 0) -> Words:
    """Hashes of videos whose bits drift, 3 of 128 from frame to frame, shuffled."""
    rng = np.random.default_rng(seed)
    bits = rng.random((count, 1, 128)) < 0.5
    flips = rng.random((count, frames, 128)) < 3 / 128
    drifted = (bits ^ np.bitwise_xor.accumulate(flips, axis=1)).reshape(-1, 128)
    return words_of(drifted[rng.permutation(count * frames)])


def words_of(bits: np.ndarray) -> Words:
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


def by_definition(hashes: Words, near_bits: int) -> set[tuple[int, int]]:
    near = _is_near(hashes[:, None], hashes[None], near_bits)
    return {(i, j) for i, j in np.argwhere(near).tolist() if i < j}


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    listed = [(i, j) for i, j in pairs.tolist()]
    assert len(set(listed)) == len(listed)
    return set(listed)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 64), st.floats(0.02, 0.6))
def test_every_pair_is_what_the_definition_says(seed: int, near_bits: int, dense: float) -> None:
    rng = np.random.default_rng(seed)
    base = rng.random((6, 128)) < dense
    bits = np.concatenate([base ^ (rng.random((6, 128)) < share) for share in (0, 0.03, 0.1)])
    hashes = words_of(bits)
    assert as_set(near_pairs(hashes, near_bits)) == by_definition(hashes, near_bits)
    assert as_set(tables(hashes, near_bits)) <= by_definition(hashes, near_bits)


def test_blocks_miss_nothing_at_their_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = runs(6, 8)
    whole = every_pair(hashes, NEAR_BITS)
    monkeypatch.setattr(near_duplicates, "_CHUNK", 7)
    blocks = every_pair(hashes, NEAR_BITS)
    assert whole is not None and blocks is not None
    assert as_set(whole) == as_set(blocks) == by_definition(hashes, NEAR_BITS)
    monkeypatch.setattr(near_duplicates, "_SLICE", 5)
    sliced = tables(hashes, NEAR_BITS, count=1)
    monkeypatch.setattr(near_duplicates, "_SLICE", 1 << 16)
    assert np.array_equal(sliced, tables(hashes, NEAR_BITS, count=1))


def test_the_quick_search_finds_the_same_groups_as_comparing_all() -> None:
    hashes = runs(60, 40)
    truth, found = every_pair(hashes, NEAR_BITS), tables(hashes, NEAR_BITS)
    assert truth is not None
    assert as_set(found) <= as_set(truth)
    assert len(found) > 0.8 * len(truth)
    groups = connect(len(hashes), truth)
    assert len(np.unique(groups)) < 100
    assert np.array_equal(connect(len(hashes), found), groups)


def test_one_table_alone_does_not_find_them() -> None:
    hashes = runs(60, 40)
    one, all_ = tables(hashes, NEAR_BITS, count=1), tables(hashes, NEAR_BITS)
    assert len(one) < 0.5 * len(all_)


def test_many_hashes_take_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = runs(10, 10)
    monkeypatch.setattr(near_duplicates, "_EXACT_UP_TO", 99)
    assert np.array_equal(near_pairs(hashes, NEAR_BITS), tables(hashes, NEAR_BITS))


def test_thousands_of_black_pictures_do_not_fill_the_memory() -> None:
    black = np.zeros((3000, 2), np.uint64)
    pairs = near_pairs(black, NEAR_BITS)
    assert len(pairs) == 2999
    assert set(connect(3000, pairs).tolist()) == {0}


def test_a_search_gives_the_same_pairs_again_in_order() -> None:
    hashes = runs(20, 20)
    pairs = tables(hashes, NEAR_BITS)
    assert np.array_equal(pairs, tables(hashes, NEAR_BITS))
    assert pairs.tolist() == sorted(pairs.tolist())
    assert (pairs[:, 0] < pairs[:, 1]).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_handful_of_hashes_is_no_special_case(count: int) -> None:
    hashes = np.full((count, 2), 7, np.uint64)
    for pairs in (near_pairs(hashes, NEAR_BITS), tables(hashes, NEAR_BITS)):
        assert pairs.tolist() == [[0, 1]][: count // 2]


def test_joining_is_transitive() -> None:
    assert connect(5, np.array([[3, 4], [0, 3]])).tolist() == [0, 1, 2, 0, 0]


def test_nothing_joined_is_everyone_alone() -> None:
    assert connect(3, np.empty((0, 2), np.int64)).tolist() == [0, 1, 2]


def test_a_long_chain_in_any_order_is_one_group() -> None:
    order = np.random.default_rng(0).permutation(20_000)
    chain = np.stack([order[:-1], order[1:]], axis=1)
    assert not connect(20_000, chain).any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_groups_are_those_of_a_walk_along_the_links(links: list[tuple[int, int]]) -> None:
    reached = [{i} for i in range(20)]
    for _ in range(20):
        for one, other in links:
            both = reached[one] | reached[other]
            for item in both:
                reached[item] = reached[item] | both
    found = connect(20, np.array(links, np.int64).reshape(-1, 2))
    assert found.tolist() == [min(items) for items in reached]


def test_keys_come_once_and_in_order() -> None:
    assert _once(np.array([3, 1, 3, 2, 1])).tolist() == [1, 2, 3]
    assert _once(np.empty(0, np.int64)).tolist() == []
