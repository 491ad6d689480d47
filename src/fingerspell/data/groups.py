"""Which pictures are the same picture twice, or neighbouring frames of one video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.data.examine import Picture
from fingerspell.data.hashing import Words, is_near, near_pairs, words
from fingerspell.data.series import neighbours

SERIES_FACTOR = 2.5
"""Frames that also follow one another by name may differ in this many times `near_bits`."""

Pairs = NDArray[np.int64]
"""(P, 2) indices into the list of pictures."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """`groups[i]` names picture i's group; `pairs` are the near-duplicate pairs behind it."""

    groups: tuple[str, ...]
    pairs: Pairs


def find_groups(pictures: Sequence[Picture], near_bits: int) -> Grouping:
    """Joins exact duplicates of a class, and near duplicates of a class within a source.

    Near are two pictures whose hashes differ in at most `near_bits` of 128 bits (as `is_near`
    counts them), or in 2.5 times as many where their names say that they are neighbouring
    frames: a moving camera changes the hash quickly. Joining is transitive, so a whole video run
    becomes one group although its first and last frame look different. Pictures of different
    classes never share a group.
    """
    pairs = np.concatenate(
        [
            np.empty((0, 2), np.int64),
            *(_near(pictures, part, near_bits) for part in _by_class_and_source(pictures)),
        ]
    )
    roots = connect(len(pictures), np.concatenate([_exact(pictures), pairs]))
    return Grouping(_names(pictures, roots), pairs)


def conflicts(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Returns the pictures that lie, byte for byte, under more than one class."""
    alike: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        alike[picture.sha256].append(picture)
    return [same for same in alike.values() if len({p.file.label for p in same}) > 1]


def connect(count: int, pairs: Pairs) -> NDArray[np.int64]:
    """Returns, for each of `count` items, the smallest item it is connected with by pairs."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for one, other in pairs.tolist():
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return np.fromiter((root(i) for i in range(count)), np.int64, count)


def _by_class_and_source(pictures: Sequence[Picture]) -> Iterable[NDArray[np.int64]]:
    members: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        members[picture.file.label, picture.file.source].append(index)
    return (np.asarray(indices, np.int64) for indices in members.values())


def _near(pictures: Sequence[Picture], part: NDArray[np.int64], near_bits: int) -> Pairs:
    """Near pairs of one class and source, each once."""
    hashes = words([pictures[i].dhash for i in part])
    frames = _near_frames(hashes, [pictures[i].file.path.stem for i in part], near_bits)
    every = np.unique(np.concatenate([near_pairs(hashes, near_bits), frames]), axis=0)
    pairs: Pairs = part[every]
    return pairs


def _near_frames(hashes: Words, stems: Sequence[str], near_bits: int) -> Pairs:
    pairs = np.sort(np.asarray(neighbours(stems), np.int64).reshape(-1, 2), axis=1)
    reach = round(SERIES_FACTOR * near_bits)
    return pairs[is_near(hashes[pairs[:, 0]], hashes[pairs[:, 1]], reach)]


def _exact(pictures: Sequence[Picture]) -> Pairs:
    """Links every repeated file to its first appearance, across sources too."""
    first: dict[tuple[str, str], int] = {}
    links = []
    for index, picture in enumerate(pictures):
        home = first.setdefault((picture.file.label, picture.sha256), index)
        if home != index:
            links.append((home, index))
    return np.asarray(links, np.int64).reshape(-1, 2)


def _names(pictures: Sequence[Picture], roots: NDArray[np.int64]) -> tuple[str, ...]:
    """Names groups `source/class/0001` in the order of their first picture."""
    numbers: dict[tuple[str, str], int] = defaultdict(int)
    named: dict[int, str] = {}
    for root in roots.tolist():
        if root not in named:
            file = pictures[root].file
            numbers[file.source, file.label] += 1
            named[root] = f"{file.source}/{file.label}/{numbers[file.source, file.label]:04d}"
    return tuple(named[root] for root in roots.tolist())
