"""Which pictures are the same picture twice, or neighbouring frames of one video."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fingerspell.prepare.examine import Picture
from fingerspell.prepare.near_duplicates import (
    NO_PAIRS,
    Pairs,
    Words,
    connect,
    distance,
    is_near,
    near_pairs,
    once,
    words,
)
from fingerspell.prepare.records import Box, Row

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
    synthetic = np.random.default_rng(0).integers(0, len(photos), (2, _DRAWN))
    one, other = synthetic[:, synthetic[0] != synthetic[1]]
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


FILMED_SHARE = 2 / 3
"""Two frames of films count as near in this share of `near_bits`: the film finds the rest."""

TWIN_SHARE = 1 / 2
"""Pictures of two sources count as near in this share of `near_bits`: so near are copies that were
scaled and saved again, and next to never two people who make one sign."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """`groups[i]` names picture i's group; `pairs` are the near-duplicate pairs behind it.

    Equal files count as near duplicates. Pairs across two of a user's own groups are told too.
    """

    groups: tuple[str, ...]
    pairs: Pairs


def find_groups(
    pictures: Sequence[Picture], near_bits: int, given: Sequence[str] | None = None
) -> Grouping:
    """Joins what belongs together; `given[i]` is a group the user named for picture i, or "".

    Always together are equal files of a class, variants and cut-outs of one photograph, and
    pictures of the same given group. Joined by likeness are, within a class and source, near
    duplicates (see `is_near`) and neighbouring frames of a film (see `films`), and within a class
    the copies in another source (see `TWIN_SHARE`), but never two given groups: a picture without
    one that resembles several goes to the first. Joining is transitive, so that a whole video
    becomes one group although its first and last frame look different. Without given groups, only
    cut-outs of one photograph join classes.
    """
    owners = list(given) if given is not None else [""] * len(pictures)
    rooms = _parts((p.file.label, p.file.source) for p in pictures)
    classes = _parts(p.file.label for p in pictures)
    pairs = np.concatenate([NO_PAIRS,
                            *(_alike(pictures, part, near_bits) for part in rooms),
                            *(_twins(pictures, part, near_bits) for part in classes)])  # fmt: skip
    fixed = np.concatenate([_same_keys(_exact(p) for p in pictures),
                            _same_keys(_photo(p) for p in pictures),
                            _same_keys(_variant(p) for p in pictures),
                            _same_keys(owner or None for owner in owners)])  # fmt: skip
    roots = _join(fixed, pairs, np.asarray([owner != "" for owner in owners], np.bool_))
    return Grouping(_names(pictures, roots, owners), pairs)


def conflicts(pictures: Sequence[Picture]) -> list[list[Picture]]:
    """Returns the pictures that lie, byte for byte, under more than one class."""
    alike: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        alike[picture.sha256].append(picture)
    return [same for same in alike.values() if len({p.file.label for p in same}) > 1]


def _parts(keys: Iterable[Hashable]) -> Iterable[Indices]:
    """The indices of each key, in order."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        members[key].append(index)
    return (np.asarray(indices, np.int64) for indices in members.values())


def _alike(pictures: Sequence[Picture], part: Indices, near_bits: int) -> Pairs:
    """Pairs of one class and source that look alike, each once; with 0 bits equal hashes only."""
    hashes = words([pictures[i].dhash for i in part])
    near = near_pairs(hashes, near_bits)
    if near_bits > 0:
        film = films(hashes, [_stem(pictures[i]) for i in part], near_bits)
        less = is_near(hashes[near[:, 0]], hashes[near[:, 1]], round(FILMED_SHARE * near_bits))
        near = np.concatenate([near[less | ~film.filmed[near].all(axis=1)], film.links])
    near = np.sort(near, axis=1)
    keys = once(near[:, 0] * len(part) + near[:, 1])
    pairs: Pairs = part[np.stack(np.divmod(keys, len(part)), axis=1)]
    return pairs


def _twins(pictures: Sequence[Picture], part: Indices, near_bits: int) -> Pairs:
    """Pairs of one class and two sources that are one picture saved twice, each once."""
    _, sources = np.unique([pictures[i].file.source for i in part], return_inverse=True)
    if not sources.any():
        return NO_PAIRS
    hashes = words([pictures[i].dhash for i in part])
    near = near_pairs(hashes, round(TWIN_SHARE * near_bits))
    pairs: Pairs = part[near[sources[near[:, 0]] != sources[near[:, 1]]]]
    return pairs


def _stem(picture: Picture) -> str:
    """The name that tells a frame's place: the photograph's, not that of a box in it."""
    file = picture.file
    name = file.file_name if isinstance(file.part, Row) else file.path.name
    return name.rpartition(".")[0] or name


def _exact(picture: Picture) -> Hashable:
    return picture.file.label, picture.sha256


def _photo(picture: Picture) -> Hashable | None:
    """What the cut-outs of one photograph have in common, whatever their classes."""
    file, stem = picture.file, _stem(picture)
    if not isinstance(file.part, Box):
        return None
    photo = photo_of(stem)
    # Without the mark of a variant, equal names in two folders are two photographs.
    return (file.source, photo) if photo != stem else file.path


def _variant(picture: Picture) -> Hashable | None:
    """What the variants of one photograph have in common: `A1_jpg.rf.<letters>` of a class."""
    stem = _stem(picture)
    photo = photo_of(stem)
    return (picture.file.source, picture.file.label, photo) if photo != stem else None


def _same_keys(keys: Iterable[Hashable | None]) -> Pairs:
    """Links every item with the first one of its key; None links nothing."""
    first: dict[Hashable, int] = {}
    links = [
        (home, index)
        for index, key in enumerate(keys)
        if key is not None and (home := first.setdefault(key, index)) != index
    ]
    return np.asarray(links, np.int64).reshape(-1, 2)


def _join(fixed: Pairs, pairs: Pairs, owned: NDArray[np.bool_]) -> Indices:
    """Returns each picture's root: `fixed` links hold, `pairs` unless they join two owned ones."""
    base = connect(len(owned), fixed)
    taken = np.zeros(len(owned), np.bool_)
    taken[base[owned]] = True
    sides = taken[base[pairs]]
    roots = connect(len(owned), np.concatenate([fixed, pairs[~sides.any(axis=1)]]))
    mixed, side = pairs[sides[:, 0] != sides[:, 1]], sides[sides[:, 0] != sides[:, 1]]
    free, owner = roots[mixed[~side]], roots[mixed[side]]
    home = np.full(len(owned), len(owned), np.int64)
    np.minimum.at(home, free, owner)
    going = np.flatnonzero(home < len(owned))
    return connect(
        len(owned),
        np.concatenate([np.stack([np.arange(len(owned)), roots], axis=1),
                        np.stack([going, home[going]], axis=1)]),
    )  # fmt: skip


def _names(pictures: Sequence[Picture], roots: Indices, owners: Sequence[str]) -> tuple[str, ...]:
    """Names a group as the user did, or `source/class/0001` in the order of first pictures."""
    named: dict[int, str] = {}
    for root, owner in zip(roots.tolist(), owners, strict=True):
        if owner:
            named.setdefault(root, owner)
    taken, numbers = set(owners), dict[tuple[str, str], int]()
    for root in roots.tolist():
        while root not in named:
            file = pictures[root].file
            number = numbers[file.source, file.label] = (
                numbers.get((file.source, file.label), 0) + 1
            )
            if (name := f"{file.source}/{file.label}/{number:04d}") not in taken:
                named[root] = name
    return tuple(named[root] for root in roots.tolist())
