"""Perceptual hashes (dHash) and the near duplicates among them, also frames of a video.

A hash has 128 bits, the signs of brightness gradients: each says whether one block of the picture
is brighter than its neighbour, first for 8×8 horizontal gradients, then for 8×8 vertical ones.
Two hashes are near where few bits differ, weighed against the bits that are set (`_is_near`).
Within a class and source, frames of a video are also linked by their numbers (`_video_frames`).
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fingerspell.images import Grey, Pixels, luma

_BLOCKS = 8
BITS = 2 * _BLOCKS * _BLOCKS

MOST_SIDE_PX = 2_000
"""Longer sides are shrunk first: the sums over a larger picture would leave 32 bits."""

_BlockMeans = NDArray[np.float64]

Pairs = NDArray[np.int64]
"""(P, 2) indices of two items each."""

Words = NDArray[np.uint64]
"""Hashes as (N, 2) unsigned 64-bit words."""

NO_PAIRS: Pairs = np.empty((0, 2), np.int64)

_USUAL_SET = 76
"""Bits set in either of two near pictures of the usual kind: the scale of `near_bits`."""

_LEAST_SET = 20
"""With fewer set bits than this a picture is nearly blank and a few bits decide nothing."""

_EXACT_UP_TO = 20_000
"""Up to here every pair is compared: at most about a second."""

_PAIRS_EACH = 400
"""More near pairs than this a hash, and listing them all would fill the memory."""

_TABLES = 48
_AHEAD = 8
_KEY_BITS = 64
_CHUNK = 1024
_SLICE = 1 << 16

_Lines = NDArray[np.uint64]

_FRAME_SHARE = 2 / 3
"""Two frames of videos count as near in this share of `near_bits`: the video links the rest."""

TWIN_SHARE = 1 / 2
"""Pictures of two sources count as near in this share of `near_bits`. Copies that were scaled and
saved again are so near, and next to never two people who make one sign."""

_MAX_GAP = 2
"""A gap of more than this many usual steps ends the series."""

_VIDEO_SHARE = 0.7
"""In a video the usual step is at most this share of the distance of unrelated pictures."""

_CUT_FACTOR = 2.0
"""A step of more than this many usual ones is a cut, unless it is within `_CALM_FACTOR`."""

_CALM_FACTOR = 1.5
"""While the camera rests, a step of up to this many `near_bits` is no cut."""

_CUT_SHARE = 0.9
"""From this share of the distance of unrelated pictures on, a step is a cut in any video."""

_AROUND_STEP, _AROUND_VIDEO = 6, 24
"""How many steps on both sides tell the usual step: near a cut, and in a video at large."""

_USUAL_DISTANCE = 45.0
"""What unrelated pictures of a class differ in, where too few are there to measure it."""

_FEW = 24
_DRAWN = 4000
_VARIANTS = 8
_WINDOWS = 1 << 15
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_VARIANT = re.compile(r"(.+)\.rf\.[0-9A-Za-z]{8,}")

_Series = Sequence[tuple[int, ...]]
"""The files of each place in a row; several where variants of a photograph share a number."""

_Steps = NDArray[np.float32]


def dhash(rgb: Pixels) -> str:
    """Returns 128 bits as 32 hexadecimal digits: 64 horizontal gradients, then 64 vertical."""
    return dhash_of_luma(luma(rgb))


def dhash_of_luma(grey: Grey) -> str:
    """Returns `dhash` of a picture whose luma is at hand."""
    wide, tall = block_means(grey, _BLOCKS)
    brighter = np.empty((2, _BLOCKS, _BLOCKS), np.bool_)
    np.greater(wide[:, 1:], wide[:, :-1], out=brighter[0])
    np.greater(tall[1:], tall[:-1], out=brighter[1])
    return np.packbits(brighter).tobytes().hex()


def block_means(grey: Grey, blocks: int) -> tuple[_BlockMeans, _BlockMeans]:
    """Returns (blocks, blocks + 1) and (blocks + 1, blocks) mean grey levels, whole.

    The sum over a rectangle is a difference of the summed-area table at its corners (Crow,
    "Summed-area tables for texture mapping", SIGGRAPH 1984); between pixels the table is
    bilinear. Rounding keeps a flat ground flat: blocks that differ by noise count as equal.
    """
    grey = _shrunk(grey)
    height, width = grey.shape
    places, shares = _corners(height, width, blocks)
    table = cv2.integral(grey).ravel()
    at = np.add.reduce(table.take(places) * shares)
    lines = at[1:] - at[:-1]
    means = np.rint((lines[:, 1:] - lines[:, :-1]) * (blocks * (blocks + 1) / (height * width)))
    # Both grids' edges lie one behind the other, so one block in between belongs to neither.
    return means[:blocks, blocks + 1 :], means[blocks + 1 :, :blocks]


@lru_cache(256)
def _corners(height: int, width: int, blocks: int) -> tuple[NDArray[np.intp], _BlockMeans]:
    """Returns where in the flat table the four neighbours of every corner of both grids lie, and
    how much each of them counts: (4, corners, corners)."""
    above, down = _edges(height, blocks)
    left, across = _edges(width, blocks)
    rows = np.stack([above, above, above + 1, above + 1])[:, :, None]
    columns = np.stack([left, left + 1, left, left + 1])[:, None, :]
    up, back = 1 - down, 1 - across
    shares = [np.outer(y, x) for y, x in ((up, back), (up, across), (down, back), (down, across))]
    return rows * (width + 1) + columns, np.stack(shares)


def _edges(length: int, blocks: int) -> tuple[NDArray[np.intp], _BlockMeans]:
    """Returns the pixel before every edge of both grids, and how far behind it the edge lies."""
    edges = np.concatenate([np.arange(n + 1) * (length / n) for n in (blocks, blocks + 1)])
    before = np.minimum(edges.astype(np.intp), length - 1)
    return before, edges - before


def _shrunk(grey: Grey) -> Grey:
    height, width = grey.shape
    if max(height, width) <= MOST_SIDE_PX:
        return grey
    size = (min(width, MOST_SIDE_PX), min(height, MOST_SIDE_PX))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def near_in_source(hashes: Words, stems: Sequence[str], near_bits: int) -> Pairs:
    """Returns the near-duplicate pairs of one class and source, each once, in order.

    `stems` are the files' names without their endings. With 0 bits only equal hashes are near.
    """
    near = near_pairs(hashes, near_bits)
    if near_bits > 0:
        video = _video_frames(hashes, stems, near_bits)
        less = _is_near(hashes[near[:, 0]], hashes[near[:, 1]], round(_FRAME_SHARE * near_bits))
        near = np.concatenate([near[less | ~video.is_frame[near].all(axis=1)], video.links])
    near = np.sort(near, axis=1)
    keys = _once(near[:, 0] * len(hashes) + near[:, 1])
    return np.stack(np.divmod(keys, max(1, len(hashes))), axis=1)


def near_across_sources(hashes: Words, sources: NDArray[np.int64], near_bits: int) -> Pairs:
    """Returns the pairs of one class that are one picture saved in two sources, each once."""
    if (sources == sources[:1]).all():
        return NO_PAIRS
    near = near_pairs(hashes, round(TWIN_SHARE * near_bits))
    pairs: Pairs = near[sources[near[:, 0]] != sources[near[:, 1]]]
    return pairs


def words(hashes: Sequence[str]) -> Words:
    """Unpacks hexadecimal hashes for `_is_near`."""
    data = b"".join(bytes.fromhex(text) for text in hashes)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def _is_near(some: Words, others: Words, near_bits: int) -> NDArray[np.bool_]:
    """Compares hashes (..., 2) with hashes (..., 2), broadcast; returns (...).

        near = differing * _USUAL_SET <= near_bits * max(set in either, _LEAST_SET)

    On a flat background most bits are 0 in every picture, so that different people would seem
    alike: differing bits are weighed against the bits that are set in either of the two.
    """
    differing, either = _compared(some, others)
    near: NDArray[np.bool_] = differing * _USUAL_SET <= near_bits * np.maximum(either, _LEAST_SET)
    return near


def distance(some: Words, others: Words) -> NDArray[np.float32]:
    """Returns the `near_bits` from which on two hashes are near; shapes as in `_is_near`."""
    differing, either = _compared(some, others)
    return (differing * _USUAL_SET / np.maximum(either, _LEAST_SET)).astype(np.float32)


def _compared(some: Words, others: Words) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """How many bits differ, and how many are set in either."""
    differing = np.bitwise_count(some ^ others).sum(axis=-1, dtype=np.int16)
    return differing, np.bitwise_count(some | others).sum(axis=-1, dtype=np.int16)


def near_pairs(hashes: Words, near_bits: int) -> Pairs:
    """Returns (P, 2): pairs i < j whose hashes are near, in order, each once.

    All of them for up to `_EXACT_UP_TO` hashes; beyond, or where nearly all are alike, what
    `tables` finds.
    """
    if len(hashes) <= _EXACT_UP_TO:
        pairs = every_pair(hashes, near_bits, _PAIRS_EACH * len(hashes))
        if pairs is not None:
            return pairs
    return tables(hashes, near_bits)


def every_pair(hashes: Words, near_bits: int, most: int | None = None) -> Pairs | None:
    """Compares every hash with every other one, block by block: N² / 2 comparisons.

    Returns None as soon as there are more than `most` pairs.
    """
    first, second = _lines(hashes)
    limit, count, pairs = _most_differing(near_bits), 0, [NO_PAIRS]
    for top in range(0, len(hashes), _CHUNK):
        rows = slice(top, top + _CHUNK)
        differing = np.bitwise_count(first[rows, None] ^ first[None, top:])
        differing += np.bitwise_count(second[rows, None] ^ second[None, top:])
        one, other = np.divmod(np.flatnonzero(differing <= limit), differing.shape[1])
        ahead = one < other
        one, other = top + one[ahead], top + other[ahead]
        near = _is_near(hashes[one], hashes[other], near_bits)
        pairs.append(np.stack([one[near], other[near]], axis=1))
        count += int(near.sum())
        if most is not None and count > most:
            return None
    return np.concatenate(pairs)


def tables(hashes: Words, near_bits: int, count: int = _TABLES) -> Pairs:
    """Finds most near pairs in N log N: sorts by ever other bits and compares those side by side.

    Each of `count` tables sorts the distinct hashes by 64 of the 128 bits, drawn and ordered
    anew, and compares each with its next `_AHEAD`. Two hashes that differ in few bits soon share
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
            keys, waiting = _once(np.concatenate([keys, *waiting])), []
    keys = _once(np.concatenate([keys, *waiting]))
    near = first[np.stack(np.divmod(keys, max(1, len(distinct))), axis=1)]
    pairs: Pairs = np.sort(np.concatenate([equal, near]), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _once(keys: NDArray[np.int64]) -> NDArray[np.int64]:
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
        chosen = np.packbits(planes[rng.permutation(BITS)[:_KEY_BITS]], axis=0)
        key = np.ascontiguousarray(chosen.T).view(">u8").ravel().astype(np.uint64)
        order = np.argsort(key, kind="stable")
        for start in range(0, len(order), _SLICE):
            part = order[start : start + _SLICE + _AHEAD]
            lines = first[part], second[part], set_bits[part]
            for step, places in _side_by_side(*lines, near_bits):
                yield part[places], part[places + step]


def _side_by_side(
    first: _Lines, second: _Lines, set_bits: NDArray[np.int16], near_bits: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yields for each step ahead where `_is_near` holds; a slice at a time stays in the cache.

    The bits set in either of two are half the sum of those set in both and those that differ.
    """
    for step in range(1, min(_AHEAD + 1, len(first))):
        differing = np.bitwise_count(first[step:] ^ first[:-step]).astype(np.int16)
        differing += np.bitwise_count(second[step:] ^ second[:-step])
        either = (set_bits[step:] + set_bits[:-step] + differing) >> 1
        near = differing * _USUAL_SET <= near_bits * np.maximum(either, _LEAST_SET)
        yield step, np.flatnonzero(near[:_SLICE])


def _lines(hashes: Words) -> tuple[_Lines, _Lines]:
    return np.ascontiguousarray(hashes[:, 0]), np.ascontiguousarray(hashes[:, 1])


def _most_differing(near_bits: int) -> int:
    """The most bits in which any two near hashes can differ."""
    return min(BITS, max(near_bits, 0) * BITS // _USUAL_SET)


@dataclass(frozen=True, slots=True)
class _VideoFrames:
    """`links` (P, 2) join neighbouring frames; `is_frame[i]` says that file i is such a frame."""

    links: Pairs
    is_frame: NDArray[np.bool_]


def photo_of(stem: str) -> str:
    """Returns the photograph's name without the mark of a variant: `A1_jpg.rf.4dc4b7c0d6e8`."""
    match = _VARIANT.fullmatch(stem)
    return match.group(1) if match else stem


def _video_frames(hashes: Words, stems: Sequence[str], near_bits: int) -> _VideoFrames:
    """Finds videos among the files of one class and source; hashes (N, 2) in any order."""
    is_frame = np.zeros(len(hashes), np.bool_)
    linked = [NO_PAIRS]
    apart = _unrelated(hashes, stems)
    for series in _numbered(stems):
        links = _links(hashes, series, apart, _CALM_FACTOR * near_bits)
        is_frame[links] = True
        linked.append(links)
    return _VideoFrames(np.concatenate(linked), is_frame)


def _numbered(stems: Sequence[str]) -> list[_Series]:
    """Returns every series of at least two numbers in a row, in the order of the numbers.

    The last number in a name counts; what stands before and after it must be the same.
    """
    places: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, stem in enumerate(stems):
        if match := _NUMBERED.fullmatch(photo_of(stem)):
            before, number, after = match.groups()
            places[before, after][int(number)].append(index)
    return [part for series in places.values() if len(series) > 1 for part in _unbroken(series)]


def _unrelated(hashes: Words, stems: Sequence[str]) -> float:
    """Returns the median distance of 4,000 pairs of photographs drawn from a class."""
    by_photo: dict[str, list[int]] = defaultdict(list)
    for index, stem in enumerate(stems):
        by_photo[photo_of(stem)].append(index)
    photos = list(by_photo.values())
    if len(photos) < _FEW:
        return _USUAL_DISTANCE
    drawn = np.random.default_rng(0).integers(0, len(photos), (2, _DRAWN))
    one, other = drawn[:, drawn[0] != drawn[1]]
    places = _variants(hashes, [tuple(photo) for photo in photos])
    return float(np.median(_apart(places[one], places[other])))


def _usual(steps: _Steps, around: int) -> _Steps:
    """Returns the median of each step and up to `around` on both sides, fewer at the ends."""
    count, width = len(steps), 2 * around + 1
    result = np.empty(count, np.float32)
    inner = range(around, count - around)
    for start in range(inner.start, inner.stop, _WINDOWS):
        stop = min(start + _WINDOWS, inner.stop)
        windows = sliding_window_view(steps[start - around : stop + around], width)
        result[start:stop] = np.median(windows, axis=1)
    for here in {*range(min(around, count)), *range(max(0, count - around), count)}:
        result[here] = median(steps[max(0, here - around) : here + around + 1].tolist())
    return result


def _unbroken(series: dict[int, list[int]]) -> list[_Series]:
    """Cuts a series at its gaps; a single place is left out."""
    numbers = sorted(series)
    steps = [b - a for a, b in pairwise(numbers)]
    widest = _MAX_GAP * median(steps)
    starts = [0, *(i + 1 for i, step in enumerate(steps) if step > widest), len(numbers)]
    parts = [[tuple(series[n]) for n in numbers[a:b]] for a, b in pairwise(starts)]
    return [part for part in parts if len(part) > 1]


def _links(hashes: Words, series: _Series, apart: float, calm: float) -> Pairs:
    """Links each frame with the next, except at cuts and where there is no video."""
    steps = _steps(_variants(hashes, series))
    jump = np.maximum(_CUT_FACTOR * _usual(steps, _AROUND_STEP), calm)
    video = _usual(steps, _AROUND_VIDEO) <= _VIDEO_SHARE * apart
    goes_on = np.flatnonzero(video & (steps <= np.minimum(jump, _CUT_SHARE * apart)))
    heads = np.asarray([files[0] for files in series], np.int64)
    return np.stack([heads[goes_on], heads[goes_on + 1]], axis=1)


def _variants(hashes: Words, series: _Series) -> Words:
    """Returns (places, variants, 2); where a place has fewer, its last one is repeated."""
    width = min(_VARIANTS, max(map(len, series)))
    if width == 1:  # The usual case, and the dearest in Python.
        return hashes[[files[0] for files in series], None]
    return hashes[[[files[min(k, len(files) - 1)] for k in range(width)] for files in series]]


def _steps(places: Words) -> _Steps:
    """Returns how far it is from each place to the next.

    Two cameras' frames are often stored in turns, so the way over one frame counts as well: it
    spans two steps, and the video goes on in both if it is short.
    """
    steps = _apart(places[:-1], places[1:])
    over = _apart(places[:-2], places[2:])
    steps[:-1] = np.minimum(steps[:-1], over)
    steps[1:] = np.minimum(steps[1:], over)
    return steps


def _apart(some: Words, others: Words) -> _Steps:
    """Returns the distance of the two nearest variants of each pair of places."""
    every = distance(some[:, :, None], others[:, None, :])
    return np.asarray(every.min(axis=(1, 2)), np.float32)
