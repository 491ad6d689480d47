"""Frames of one video, known by their names: `A5.jpg, A10.jpg, A15.jpg` lie next to each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
REACH = 2
"""How many frames ahead count as neighbours: two cameras' frames are often stored in turns."""

MAX_GAP = 2
"""A gap of more than this many usual steps ends the series."""


def neighbours(stems: Sequence[str]) -> list[tuple[int, int]]:
    """Returns index pairs of files that follow one another in a numbered series.

    The last number in a name counts; what stands before and after it must be the same.
    """
    series: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for index, stem in enumerate(stems):
        if match := _NUMBERED.fullmatch(stem):
            before, number, after = match.groups()
            series[before, after].append((int(number), index))
    return [pair for members in series.values() for pair in _follow(sorted(members))]


def _follow(members: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pairs each frame with the next `REACH`, unless a gap lies between."""
    numbers = [number for number, _ in members]
    steps = [b - a for a, b in pairwise(numbers)]
    widest = MAX_GAP * median(steps) if steps else 0
    pairs = []
    for here, (_, index) in enumerate(members):
        for ahead in range(here + 1, min(here + 1 + REACH, len(members))):
            if steps[ahead - 1] > widest:
                break
            pairs.append((index, members[ahead][1]))
    return pairs
