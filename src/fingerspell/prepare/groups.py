"""Grouping of near duplicates: what must stay on one side of a split, and what is held out."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import DataError
from fingerspell.prepare import near_duplicates
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.near_duplicates import NO_PAIRS, Pairs, photo_of
from fingerspell.prepare.records import Box, Row

_Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """`groups[i]` names picture i's group; `pairs` are the near-duplicate pairs behind it.

    Equal files count as near duplicates. Pairs across two of a user's own groups are in it, too.
    """

    groups: tuple[str, ...]
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Side:
    """The pictures to learn from, or the held-out ones, with their groups and near pairs."""

    pictures: list[Picture]
    grouping: Grouping


def without_conflicts(pictures: Sequence[Picture]) -> tuple[list[Picture], list[list[Picture]]]:
    """Returns the pictures of one label, and those that lie under several classes, by content.

    All copies of a picture with two labels are left out: nobody can say which one is right.
    """
    by_content: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        by_content[picture.sha256].append(picture)
    conflicts = [same for same in by_content.values() if len({p.file.label for p in same}) > 1]
    left_out = {same[0].sha256 for same in conflicts}
    return [picture for picture in pictures if picture.sha256 not in left_out], conflicts


def find_groups(
    pictures: Sequence[Picture], near_bits: int, user_groups: Sequence[str] | None = None
) -> Grouping:
    """Groups near duplicates; `user_groups[i]` is the group the user named for picture i, or "".

    Always together are equal files of a class, variants and cut-outs of one photograph, and
    pictures of the same user group. Joined by likeness are, within a class and source, near
    duplicates (see `is_near`) and neighbouring frames of a video (see `video_frames`), and within
    a class the copies in another source (see `TWIN_SHARE`). Two user groups are never joined: a
    picture without one that resembles several goes to the first. Joining is transitive, so that a
    whole video becomes one group although its first and last frame look different. Without user
    groups, only cut-outs of one photograph join classes.
    """
    owners = list(user_groups) if user_groups is not None else [""] * len(pictures)
    pairs = _near(pictures, near_bits)
    fixed = np.concatenate([_same_keys((p.file.label, p.sha256) for p in pictures),
                            _same_keys(_photo(p) for p in pictures),
                            _same_keys(_variant(p) for p in pictures),
                            _same_keys(owner or None for owner in owners)])  # fmt: skip
    roots = _join(fixed, pairs, np.asarray([owner != "" for owner in owners], np.bool_))
    return Grouping(_names(pictures, roots, owners), pairs)


def divide(
    pictures: Sequence[Picture], grouping: Grouping, names: Collection[str], labels: Collection[str]
) -> tuple[Side, Side, list[Picture]]:
    """Returns what to learn from, the held-out sources `names`, and what is left out of both.

    Left out is every group of other sources in which a held-out picture lies too: the same
    file, the same picture saved again, and the video that it was taken from. With it, the unseen
    signers would be seen. Where user groups part two near pictures, that picture alone goes.
    Raises `DataError` for a held-out source that shows none of `labels`, the classes to learn.
    """
    theirs = np.asarray([picture.file.source in names for picture in pictures], np.bool_)
    one, other = grouping.pairs.T
    near_held_out = {*one[theirs[other]].tolist(), *other[theirs[one]].tolist()}
    known = {
        group
        for picture, group in zip(pictures, grouping.groups, strict=True)
        if picture.file.source in names
    }
    own, unseen_signers, copies = [], [], []
    for index, picture in enumerate(pictures):
        if picture.file.source in names:
            unseen_signers.append(index)
        elif grouping.groups[index] in known or index in near_held_out:
            copies.append(index)
        else:
            own.append(index)
    held_out = _side(pictures, grouping, unseen_signers)
    _require_known_classes(held_out.pictures, names, labels)
    return _side(pictures, grouping, own), held_out, [pictures[i] for i in copies]


def connect(count: int, pairs: Pairs) -> _Indices:
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


def _near(pictures: Sequence[Picture], near_bits: int) -> Pairs:
    """Returns the near-duplicate pairs of each class and source, then those of two sources."""
    stems = [_stem(picture) for picture in pictures]
    _, sources = np.unique([picture.file.source for picture in pictures], return_inverse=True)
    parts = _parts((p.file.label, p.file.source) for p in pictures)
    classes = _parts(p.file.label for p in pictures)
    hashes = near_duplicates.words([picture.dhash for picture in pictures])
    pairs = [NO_PAIRS]
    for part in parts:
        named = [stems[i] for i in part]
        pairs.append(part[near_duplicates.near_in_source(hashes[part], named, near_bits)])
    for part in classes:
        copies = near_duplicates.near_across_sources(hashes[part], sources[part], near_bits)
        pairs.append(part[copies])
    return np.concatenate(pairs)


def _parts(keys: Iterable[Hashable]) -> Iterable[_Indices]:
    """The indices of each key, in order."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    for index, key in enumerate(keys):
        members[key].append(index)
    return (np.asarray(indices, np.int64) for indices in members.values())


def _stem(picture: Picture) -> str:
    """The name that tells a frame's place: the photograph's, not that of a box in it."""
    file = picture.file
    name = file.file_name if isinstance(file.part, Row) else file.path.name
    return name.rpartition(".")[0] or name


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


def _join(fixed: Pairs, pairs: Pairs, owned: NDArray[np.bool_]) -> _Indices:
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


def _names(pictures: Sequence[Picture], roots: _Indices, owners: Sequence[str]) -> tuple[str, ...]:
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


def _side(pictures: Sequence[Picture], grouping: Grouping, members: Sequence[int]) -> Side:
    place = np.full(len(pictures), -1, np.int64)
    place[np.asarray(members, np.int64)] = np.arange(len(members))
    pairs = place[grouping.pairs]
    inside = pairs[(pairs >= 0).all(axis=1)]
    return Side(
        [pictures[i] for i in members], Grouping(tuple(grouping.groups[i] for i in members), inside)
    )


def _require_known_classes(
    unseen_signers: Sequence[Picture], names: Collection[str], labels: Collection[str]
) -> None:
    """Raises `DataError` for a held-out source that shows no class which is learnt."""
    shown = {p.file.source for p in unseen_signers if p.file.label in labels}
    if silent := sorted(set(names) - shown):
        raise DataError(
            found=f"{', '.join(silent)} is held out, but has no usable picture of a class that "
            "the other sources have",
            expected="unseen signers who show what is learnt",
            fix="hold out another source",
        )
