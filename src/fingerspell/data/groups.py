"""Which pictures are the same picture twice, or neighbouring frames of one video."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.data.components import NO_PAIRS, Pairs, connect
from fingerspell.data.examine import Picture
from fingerspell.data.found import Box, Row
from fingerspell.data.hashing import is_near, words
from fingerspell.data.search import near_pairs, once
from fingerspell.data.series import films, photo_of

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
