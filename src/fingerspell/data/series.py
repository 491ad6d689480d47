"""Frames of one video, known by their names: `A5.jpg, A10.jpg, A15.jpg` lie next to each other.

Numbers alone prove nothing: single photographs are numbered too, and one numbering runs on over
many recordings. So the hashes decide where a film goes on: neighbours in a film are far more
alike than two pictures of its class are on average, and a cut is a jump that stands out from the
movement around it. The constants are measured in docs/adr/0002-near-duplicate-hash.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fingerspell.data.components import NO_PAIRS, Pairs
from fingerspell.data.hashing import Words, distance

MAX_GAP = 2
"""A gap of more than this many usual steps ends the series."""

FILM_SHARE = 0.7
"""In a film the usual step is at most this share of the distance of unrelated pictures."""

CUT_FACTOR = 2.0
"""A step of more than this many usual ones is a cut, unless it is within `CALM_FACTOR`."""

CALM_FACTOR = 1.5
"""While the camera rests, a step of up to this many `near_bits` is no cut."""

CUT_SHARE = 0.9
"""From this share of the distance of unrelated pictures on, a step is a cut in any film."""

AROUND_STEP, AROUND_FILM = 6, 24
"""How many steps on both sides tell the usual step: near a cut, and in a film at large."""

USUAL_DISTANCE = 45.0
"""What unrelated pictures of a class differ in, where too few are there to measure it."""

FEW = 24
_DRAWN = 4000
_VARIANTS = 8
_SLICE = 1 << 15
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_VARIANT = re.compile(r"(.+)\.rf\.[0-9A-Za-z]{8,}")

Series = Sequence[tuple[int, ...]]
"""The files of each place in a row; several where variants of a photograph share a number."""

Steps = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Films:
    """`links` (P, 2) join neighbouring frames; `filmed[i]` says that file i is such a frame."""

    links: Pairs
    filmed: NDArray[np.bool_]


def photo_of(stem: str) -> str:
    """Returns the photograph's name without the mark of a variant: `A1_jpg.rf.4dc4b7c0d6e8`."""
    match = _VARIANT.fullmatch(stem)
    return match.group(1) if match else stem


def films(hashes: Words, stems: Sequence[str], near_bits: int) -> Films:
    """Finds the films among the files of one class and source, hashes (N, 2) in any order."""
    filmed = np.zeros(len(hashes), np.bool_)
    found = [NO_PAIRS]
    apart = unrelated(hashes, stems)
    for series in numbered(stems):
        links = _links(hashes, series, apart, CALM_FACTOR * near_bits)
        filmed[links] = True
        found.append(links)
    return Films(np.concatenate(found), filmed)


def numbered(stems: Sequence[str]) -> list[Series]:
    """Returns every series of at least two numbers in a row, in the order of the numbers.

    The last number in a name counts; what stands before and after it must be the same.
    """
    places: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, stem in enumerate(stems):
        if match := _NUMBERED.fullmatch(photo_of(stem)):
            before, number, after = match.groups()
            places[before, after][int(number)].append(index)
    return [part for series in places.values() if len(series) > 1 for part in _unbroken(series)]


def unrelated(hashes: Words, stems: Sequence[str]) -> float:
    """Returns the median distance of 4,000 pairs of photographs drawn from a class."""
    by_photo: dict[str, list[int]] = defaultdict(list)
    for index, stem in enumerate(stems):
        by_photo[photo_of(stem)].append(index)
    photos = list(by_photo.values())
    if len(photos) < FEW:
        return USUAL_DISTANCE
    drawn = np.random.default_rng(0).integers(0, len(photos), (2, _DRAWN))
    one, other = drawn[:, drawn[0] != drawn[1]]
    places = _variants(hashes, [tuple(photo) for photo in photos])
    return float(np.median(_apart(places[one], places[other])))


def usual(steps: Steps, around: int) -> Steps:
    """Returns the median of each step and up to `around` on both sides, fewer at the ends."""
    count, width = len(steps), 2 * around + 1
    result = np.empty(count, np.float32)
    inner = range(around, count - around)
    for start in range(inner.start, inner.stop, _SLICE):
        stop = min(start + _SLICE, inner.stop)
        windows = sliding_window_view(steps[start - around : stop + around], width)
        result[start:stop] = np.median(windows, axis=1)
    for here in {*range(min(around, count)), *range(max(0, count - around), count)}:
        result[here] = median(steps[max(0, here - around) : here + around + 1].tolist())
    return result


def _unbroken(series: dict[int, list[int]]) -> list[Series]:
    """Cuts a series at its gaps; a single place is left out."""
    numbers = sorted(series)
    steps = [b - a for a, b in pairwise(numbers)]
    widest = MAX_GAP * median(steps)
    starts = [0, *(i + 1 for i, step in enumerate(steps) if step > widest), len(numbers)]
    parts = [[tuple(series[n]) for n in numbers[a:b]] for a, b in pairwise(starts)]
    return [part for part in parts if len(part) > 1]


def _links(hashes: Words, series: Series, apart: float, calm: float) -> Pairs:
    """Links each frame with the next, except at cuts and where there is no film."""
    steps = _steps(_variants(hashes, series))
    jump = np.maximum(CUT_FACTOR * usual(steps, AROUND_STEP), calm)
    film = usual(steps, AROUND_FILM) <= FILM_SHARE * apart
    goes_on = np.flatnonzero(film & (steps <= np.minimum(jump, CUT_SHARE * apart)))
    heads = np.asarray([files[0] for files in series], np.int64)
    return np.stack([heads[goes_on], heads[goes_on + 1]], axis=1)


def _variants(hashes: Words, series: Series) -> Words:
    """Returns (places, variants, 2); where a place has fewer, its last one is repeated."""
    width = min(_VARIANTS, max(map(len, series)))
    if width == 1:  # The usual case, and the dearest in Python.
        return hashes[[files[0] for files in series], None]
    return hashes[[[files[min(k, len(files) - 1)] for k in range(width)] for files in series]]


def _steps(places: Words) -> Steps:
    """Returns how far it is from each place to the next.

    Two cameras' frames are often stored in turns, so the way over one frame counts as well: it
    spans two steps, and the film goes on in both if it is short.
    """
    steps = _apart(places[:-1], places[1:])
    over = _apart(places[:-2], places[2:])
    steps[:-1] = np.minimum(steps[:-1], over)
    steps[1:] = np.minimum(steps[1:], over)
    return steps


def _apart(some: Words, others: Words) -> Steps:
    """Returns the distance of the two nearest variants of each pair of places."""
    every = distance(some[:, :, None], others[:, None, :])
    return np.asarray(every.min(axis=(1, 2)), np.float32)
