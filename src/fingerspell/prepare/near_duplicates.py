"""Near pairs among hashes: all of them where there are few, nearly all of them among millions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.images import Grey, Pixels, luma

Pairs = NDArray[np.int64]
"""(P, 2) indices of two items each."""

NO_PAIRS: Pairs = np.empty((0, 2), np.int64)


def connect(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Returns, for each of `count` items, the smallest item it is connected with by pairs.

    Every tree's root hooks onto the smallest root it is linked with, then every path is cut
    short; links inside a tree are dropped. Each round at least halves the trees that still have
    links, so that a dozen passes over the arrays do what a loop over the pairs would.
    """
    root = np.arange(count, dtype=np.int64)
    ends = root[pairs]
    while len(ends := ends[ends[:, 0] != ends[:, 1]]):
        np.minimum.at(root, ends.max(axis=1), ends.min(axis=1))
        while not np.array_equal(further := root[root], root):
            root = further
        ends = root[ends]
    return root


MOST_SIDE_PX = 2_000
"""Longer sides are shrunk first: the sums over a larger picture would leave 32 bits."""

BlockMeans = NDArray[np.float64]


def two_grids(grey: Grey, cells: int) -> tuple[BlockMeans, BlockMeans]:
    """Returns (cells, cells + 1) and (cells + 1, cells) mean grey levels, rounded to whole ones.

    The sum over a rectangle is a difference of the summed-area table at its corners (Crow,
    "Summed-area tables for texture mapping", SIGGRAPH 1984); between pixels the table is
    bilinear. Rounding keeps a flat ground flat: cells that differ by noise count as equal.
    """
    grey = _shrunk(grey)
    height, width = grey.shape
    places, shares = _corners(height, width, cells)
    table = cv2.integral(grey).ravel()
    at = np.add.reduce(table.take(places) * shares)
    lines = at[1:] - at[:-1]
    means = np.rint((lines[:, 1:] - lines[:, :-1]) * (cells * (cells + 1) / (height * width)))
    # Both grids' edges lie one behind the other, so one cell in between belongs to neither.
    return means[:cells, cells + 1 :], means[cells + 1 :, :cells]


@lru_cache(256)
def _corners(height: int, width: int, cells: int) -> tuple[NDArray[np.intp], BlockMeans]:
    """Returns where in the flat table the four neighbours of every corner of both grids lie, and
    how much each of them counts: (4, corners, corners)."""
    above, down = _edges(height, cells)
    left, across = _edges(width, cells)
    rows = np.stack([above, above, above + 1, above + 1])[:, :, None]
    columns = np.stack([left, left + 1, left, left + 1])[:, None, :]
    up, back = 1 - down, 1 - across
    shares = [np.outer(y, x) for y, x in ((up, back), (up, across), (down, back), (down, across))]
    return rows * (width + 1) + columns, np.stack(shares)


def _edges(length: int, cells: int) -> tuple[NDArray[np.intp], BlockMeans]:
    """Returns the pixel before every edge of both grids, and how far behind it the edge lies."""
    edges = np.concatenate([np.arange(n + 1) * (length / n) for n in (cells, cells + 1)])
    before = np.minimum(edges.astype(np.intp), length - 1)
    return before, edges - before


def _shrunk(grey: Grey) -> Grey:
    height, width = grey.shape
    if max(height, width) <= MOST_SIDE_PX:
        return grey
    size = (min(width, MOST_SIDE_PX), min(height, MOST_SIDE_PX))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


CELLS = 8
BITS = 2 * CELLS * CELLS
HEX_DIGITS = BITS // 4

USUAL_SET = 76
"""Bits set in either of two near pictures of the usual kind: the scale of `near_bits`."""

LEAST_SET = 20
"""With fewer set bits than this a picture is nearly blank and a few bits decide nothing."""

Words = NDArray[np.uint64]
"""Hashes as (N, 2) unsigned 64-bit words."""


def dhash(rgb: Pixels) -> str:
    """Returns 128 bits as 32 hexadecimal digits: 64 horizontal gradients, then 64 vertical."""
    return dhash_of_luma(luma(rgb))


def dhash_of_luma(grey: Grey) -> str:
    """Returns `dhash` of a picture whose luma is at hand."""
    wide, tall = two_grids(grey, CELLS)
    brighter = np.empty((2, CELLS, CELLS), np.bool_)
    np.greater(wide[:, 1:], wide[:, :-1], out=brighter[0])
    np.greater(tall[1:], tall[:-1], out=brighter[1])
    return np.packbits(brighter).tobytes().hex()


def words(hashes: Sequence[str]) -> Words:
    """Unpacks hexadecimal hashes for `is_near`."""
    data = b"".join(bytes.fromhex(text) for text in hashes)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def is_near(some: Words, others: Words, near_bits: int) -> NDArray[np.bool_]:
    """Compares hashes (..., 2) with hashes (..., 2), broadcast; returns (...).

        near = differing * USUAL_SET <= near_bits * max(set in either, LEAST_SET)

    On a flat background most bits are 0 in every picture, so that unseen signers would seem alike:
    differing bits are weighed against the bits that are set in either of the two.
    """
    differing, either = _compared(some, others)
    near: NDArray[np.bool_] = differing * USUAL_SET <= near_bits * np.maximum(either, LEAST_SET)
    return near


def distance(some: Words, others: Words) -> NDArray[np.float32]:
    """Returns the `near_bits` from which on two hashes are near; shapes as in `is_near`."""
    differing, either = _compared(some, others)
    return (differing * USUAL_SET / np.maximum(either, LEAST_SET)).astype(np.float32)


def _compared(some: Words, others: Words) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """How many bits differ, and how many are set in either."""
    differing = np.bitwise_count(some ^ others).sum(axis=-1, dtype=np.int16)
    return differing, np.bitwise_count(some | others).sum(axis=-1, dtype=np.int16)


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
        synthetic = np.packbits(planes[rng.permutation(BITS)[:KEY_BITS]], axis=0)
        key = np.ascontiguousarray(synthetic.T).view(">u8").ravel().astype(np.uint64)
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
