"""Near pairs among hashes: all of them where there are few, nearly all of them among millions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fingerspell.data.components import NO_PAIRS, Pairs
from fingerspell.data.hashing import BITS, LEAST_SET, USUAL_SET, Words, is_near

EXACT_UP_TO = 20_000
"""Up to here every pair is compared: at most about a second."""

PAIRS_EACH = 400
"""More near pairs than this a hash, and listing them all would fill the memory."""

TABLES = 48
AHEAD = 8
KEY_BITS = 64
_CHUNK = 1024
_SLICE = 1 << 16

Lines = NDArray[np.uint64]


def near_pairs(hashes: Words, near_bits: int) -> Pairs:
    """Returns (P, 2): pairs i < j whose hashes are near, in order, each once.

    All of them for up to `EXACT_UP_TO` hashes; beyond, or where nearly all are alike, what
    `tables` finds.
    """
    if len(hashes) <= EXACT_UP_TO:
        pairs = every_pair(hashes, near_bits, PAIRS_EACH * len(hashes))
        if pairs is not None:
            return pairs
    return tables(hashes, near_bits)


def every_pair(hashes: Words, near_bits: int, most: int | None = None) -> Pairs | None:
    """Compares every hash with every other one, block by block: N² / 2 comparisons.

    Returns None as soon as there are more than `most` pairs.
    """
    first, second = _lines(hashes)
    limit, count, found = _most_differing(near_bits), 0, [NO_PAIRS]
    for top in range(0, len(hashes), _CHUNK):
        rows = slice(top, top + _CHUNK)
        differing = np.bitwise_count(first[rows, None] ^ first[None, top:])
        differing += np.bitwise_count(second[rows, None] ^ second[None, top:])
        one, other = np.divmod(np.flatnonzero(differing <= limit), differing.shape[1])
        ahead = one < other
        one, other = top + one[ahead], top + other[ahead]
        near = is_near(hashes[one], hashes[other], near_bits)
        found.append(np.stack([one[near], other[near]], axis=1))
        count += int(near.sum())
        if most is not None and count > most:
            return None
    return np.concatenate(found)


def tables(hashes: Words, near_bits: int, count: int = TABLES) -> Pairs:
    """Finds most near pairs in N log N: sorts by ever other bits and compares those side by side.

    Each of `count` tables sorts the distinct hashes by 64 of the 128 bits, drawn and ordered
    anew, and compares each with its next `AHEAD`. Two hashes that differ in few bits soon share
    a long beginning; two that don't are mostly linked by others between them. Equal hashes are
    linked in a row, so that a hundred thousand black pictures cost no more than others.
    """
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))
    same = (hashes[order[1:]] == hashes[order[:-1]]).all(axis=1)
    equal = np.stack([order[:-1][same], order[1:][same]], axis=1)
    first = order[np.concatenate([[True], ~same])[: len(order)]]
    distinct = hashes[first]
    keys = np.empty(0, np.int64)
    waiting: list[NDArray[np.int64]] = []
    for one, other in _table_pairs(distinct, near_bits, count):
        waiting.append(np.minimum(one, other) * len(distinct) + np.maximum(one, other))
        if sum(map(len, waiting)) > len(keys) + 4 * len(distinct):
            keys, waiting = once(np.concatenate([keys, *waiting])), []
    keys = once(np.concatenate([keys, *waiting]))
    near = first[np.stack(np.divmod(keys, max(1, len(distinct))), axis=1)]
    pairs: Pairs = np.sort(np.concatenate([equal, near]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def once(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the sorted keys without repeats; np.unique's hash table is a hundred times slower."""
    ordered = np.sort(keys)
    fresh = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    distinct: NDArray[np.int64] = ordered[fresh]
    return distinct


def _table_pairs(
    hashes: Words, near_bits: int, count: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yields the near neighbours of every table as two arrays of indices."""
    rng = np.random.default_rng(0)
    planes = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, BITS // 8), axis=1)
    planes = np.ascontiguousarray(planes.T)
    first, second = _lines(hashes)
    set_bits = np.bitwise_count(first).astype(np.int16) + np.bitwise_count(second)
    for _ in range(count):
        drawn = np.packbits(planes[rng.permutation(BITS)[:KEY_BITS]], axis=0)
        key = np.ascontiguousarray(drawn.T).view(">u8").ravel().astype(np.uint64)
        order = np.argsort(key, kind="stable")
        for start in range(0, len(order), _SLICE):
            part = order[start : start + _SLICE + AHEAD]
            lines = first[part], second[part], set_bits[part]
            for step, places in _side_by_side(*lines, near_bits):
                yield part[places], part[places + step]


def _side_by_side(
    first: Lines, second: Lines, set_bits: NDArray[np.int16], near_bits: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yields for each step ahead where `is_near` holds; a slice at a time stays in the cache.

    The bits set in either of two are half the sum of those set in both and those that differ.
    """
    for step in range(1, min(AHEAD + 1, len(first))):
        differing = np.bitwise_count(first[step:] ^ first[:-step]).astype(np.int16)
        differing += np.bitwise_count(second[step:] ^ second[:-step])
        either = (set_bits[step:] + set_bits[:-step] + differing) >> 1
        near = differing * USUAL_SET <= near_bits * np.maximum(either, LEAST_SET)
        yield step, np.flatnonzero(near[:_SLICE])


def _lines(hashes: Words) -> tuple[Lines, Lines]:
    return np.ascontiguousarray(hashes[:, 0]), np.ascontiguousarray(hashes[:, 1])


def _most_differing(near_bits: int) -> int:
    """The most bits in which any two near hashes can differ."""
    return min(BITS, max(near_bits, 0) * BITS // USUAL_SET)
