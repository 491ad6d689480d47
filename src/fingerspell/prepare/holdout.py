"""Pictures from outside the data set: can they be read, and are they no part of it?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerspell.dataset.manifest import Manifest
from fingerspell.errors import DataError
from fingerspell.prepare.examine import Picture, examine
from fingerspell.prepare.groups import Grouping
from fingerspell.prepare.records import Bad, Record


@dataclass(frozen=True, slots=True)
class Side:
    """Some of the pictures, with their groups and the near pairs among them."""

    pictures: list[Picture]
    grouping: Grouping


def check_names(wanted: Collection[str], sources: Collection[str]) -> None:
    """Raises `DataError` for a name that is no source, or where no source is left to train on."""
    if unknown := [name for name in wanted if name not in sources]:
        raise DataError(
            found=f"no source called {', '.join(unknown)}",
            expected=f"one of {', '.join(sources)}: sources are named after their folders",
            fix="check --holdout_source",
        )
    if wanted and set(sources) <= set(wanted):
        raise DataError(
            found=f"every source is held out: {', '.join(sources)}",
            expected="at least one source to train on",
            fix="add a folder to --input_dir, or hold out fewer",
        )


def divide(
    pictures: Sequence[Picture], grouping: Grouping, names: Collection[str]
) -> tuple[Side, Side, list[Picture]]:
    """Returns what to learn from, the unseen signers, and what is left out of both.

    Left out is every group of other sources in which a held-out picture lies too: the same
    file, the same picture saved again, and the film that it was taken from. It would make its
    people known. Where groups that the user named part two near pictures, that picture alone goes.
    """
    theirs = np.asarray([picture.file.source in names for picture in pictures], np.bool_)
    one, other = grouping.pairs.T
    twins = {*one[theirs[other]].tolist(), *other[theirs[one]].tolist()}
    known = {
        group
        for picture, group in zip(pictures, grouping.groups, strict=True)
        if picture.file.source in names
    }
    own, unseen_signers, copies = [], [], []
    for index, picture in enumerate(pictures):
        if picture.file.source in names:
            unseen_signers.append(index)
        elif grouping.groups[index] in known or index in twins:
            copies.append(index)
        else:
            own.append(index)
    return (
        _side(pictures, grouping, own),
        _side(pictures, grouping, unseen_signers),
        [pictures[i] for i in copies],
    )


def _side(pictures: Sequence[Picture], grouping: Grouping, members: Sequence[int]) -> Side:
    place = np.full(len(pictures), -1, np.int64)
    place[np.asarray(members, np.int64)] = np.arange(len(members))
    pairs = place[grouping.pairs]
    inside = pairs[(pairs >= 0).all(axis=1)]
    return Side(
        [pictures[i] for i in members],
        Grouping(tuple(grouping.groups[i] for i in members), inside),
    )


def check_unseen_signers(
    unseen_signers: Side, names: Collection[str], labels: Collection[str]
) -> None:
    """Raises `DataError` for a held-out source that shows no class which is learnt."""
    shown = {p.file.source for p in unseen_signers.pictures if p.file.label in labels}
    if silent := sorted(set(names) - shown):
        raise DataError(
            found=f"{', '.join(silent)} is held out, but has no usable picture of a class that "
            "the other sources have",
            expected="unseen signers who show what is learnt",
            fix="hold out another source",
        )


def refuse_shared(
    pictures: Sequence[Picture], given: Sequence[str], names: Collection[str]
) -> None:
    """Raises `DataError` where a group that the user named lies on both sides."""
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for picture, group in zip(pictures, given, strict=True):
        if group:
            sides[picture.file.source in names].add(group)
    if shared := sorted(sides[True] & sides[False]):
        raise DataError(
            found=f"group {shared[0]} lies in a held-out source and in one to learn from"
            + (f", and {len(shared) - 1} more do" if len(shared) > 1 else ""),
            expected="unseen signers that are in no training picture",
            fix="hold out every source that shows them, or correct the groups",
        )


def check_unseen_pictures(name: str, paths: Sequence[Path], manifest: Manifest) -> list[Bad]:
    """Opens every picture; returns those that cannot be read, with the reason.

    Raises `DataError` where the data set holds the bytes of any, whatever the split: what was
    trained on would pass for an unseen signer. Rows without a hash are passed over.
    """
    pictures, bad = examine([Record(path, "", name, _size_bytes(path), 0) for path in paths])
    known = {sample.sha256: sample for sample in manifest.samples if sample.sha256}
    if own := [picture for picture in pictures if picture.sha256 in known]:
        raise DataError(
            found=f"{len(own):,} of {len(paths):,} pictures of {name} are in the data set too, "
            f"first {own[0].file.path}, which is {known[own[0].sha256].path}",
            expected="unseen signers: pictures that no split of the data set holds",
            fix="take them out of that folder, or keep the whole source out of training: "
            "prepare --holdout_source",
        )
    return bad


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # Reading it will say why.
