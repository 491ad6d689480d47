"""Who goes where, for all sources together, and what that lets through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.config import PrepareConfig
from fingerspell.data import ready
from fingerspell.data.examine import Picture
from fingerspell.data.groups import Grouping
from fingerspell.data.manifest import SPLITS
from fingerspell.data.split import Leak, Shares, leak, missed, split_groups, split_random
from fingerspell.errors import DataError


@dataclass(frozen=True, slots=True)
class Assigned:
    """One split a picture, the sources whose own split was kept, and what leaks.

    `missed_points` names the classes whose shares miss those asked for by more than one
    percentage point, and by how many, over the sources that were split here.
    """

    splits: list[str]
    kept: tuple[str, ...]
    leaks: dict[str, dict[str, int]]
    missed_points: dict[str, float]


def assign(config: PrepareConfig, pictures: Sequence[Picture], grouping: Grouping) -> Assigned:
    """Splits by the rule asked for; ready-made splits stay unless they leak or `resplit` is set.

    Raises `DataError` for a ready-made split that leaks, and where a split stays empty.
    """
    labels = [picture.file.label for picture in pictures]
    shares = (config.train_share, config.val_share, config.test_share)
    random = split_random(labels, shares, config.seed)
    kept = () if config.resplit or config.split == "random" else _ready_sources(pictures)
    splits = random if config.split == "random" else _split(config, pictures, grouping, kept)
    leaked = leak(splits, grouping.groups, grouping.pairs)
    if kept:
        ready.refuse_torn(kept, leaked)
    _refuse_empty(splits, config)
    _refuse_unlearnt(labels, splits, kept)
    fresh = [i for i, picture in enumerate(pictures) if picture.file.source not in kept]
    return Assigned(
        splits,
        kept,
        {
            "this_split": _counted(leaked, splits),
            "random_split": _counted(leak(random, grouping.groups, grouping.pairs), random),
        },
        _far(missed([labels[i] for i in fresh], [splits[i] for i in fresh], shares)),
    )


def _ready_sources(pictures: Sequence[Picture]) -> tuple[str, ...]:
    return tuple(sorted({p.file.source for p in pictures if p.file.split}))


def _split(
    config: PrepareConfig, pictures: Sequence[Picture], grouping: Grouping, kept: Sequence[str]
) -> list[str]:
    """Splits every kept source by itself, and all others together."""
    sources = np.asarray([p.file.source if p.file.source in kept else "" for p in pictures])
    splits = [""] * len(pictures)
    home: dict[str, str] = {}
    shares = (config.train_share, config.val_share, config.test_share)
    for source in (*kept, ""):
        members: NDArray[np.int64] = np.flatnonzero(sources == source)
        labels = [pictures[i].file.label for i in members]
        groups = [grouping.groups[i] for i in members]
        if source:
            given = [pictures[i].file.split for i in members]
            homes = ready.keep(labels, groups, given, shares, config.seed)
        else:
            homes = _split_beside(home, labels, groups, shares, config.seed)
        for i, split in zip(members, homes, strict=True):
            splits[i] = split
            home[grouping.groups[i]] = split
    return splits


def _split_beside(
    home: Mapping[str, str], labels: Sequence[str], groups: Sequence[str], shares: Shares, seed: int
) -> list[str]:
    """Splits groups, but for those that have their split already: copies of a kept source's."""
    splits = [home.get(group, "") for group in groups]
    free = [i for i, split in enumerate(splits) if not split]
    cut = split_groups([labels[i] for i in free], [groups[i] for i in free], shares, seed)
    for i, split in zip(free, cut, strict=True):
        splits[i] = split
    return splits


def _far(points: dict[str, float]) -> dict[str, float]:
    return {label: round(most, 1) for label, most in points.items() if most > 1}


def _counted(leaked: Leak, splits: Sequence[str]) -> dict[str, int]:
    return {**asdict(leaked), "test_pictures": sum(split == "test" for split in splits)}


def _refuse_empty(splits: Sequence[str], config: PrepareConfig) -> None:
    empty = [split for split in SPLITS if split not in splits]
    if empty and (config.group_by or config.groups_csv):
        raise DataError(
            found=f"nothing for {', '.join(empty)}: the groups that were named are too few",
            expected="at least three of them: one each for train, val and test",
            fix="name smaller groups, or add pictures of other signers or sources; one source "
            "alone can be kept for testing with --holdout_source",
        )
    if empty:
        raise DataError(
            found=f"nothing for {', '.join(empty)}: no class has three separate groups",
            expected="pictures from at least three separate recordings in some class",
            fix="add pictures of other scenes, or lower --near_bits, or use --split random "
            "(its test score will be too good)",
        )


def _refuse_unlearnt(labels: Sequence[str], splits: Sequence[str], kept: Sequence[str]) -> None:
    """Raises `DataError` for classes without a training picture: nobody can learn them."""
    learnt = {label for label, split in zip(labels, splits, strict=True) if split == "train"}
    if unlearnt := sorted(set(labels) - learnt):
        raise DataError(
            found=f"no training picture of class {', '.join(unlearnt)}",
            expected="every class in train",
            fix="add --resplit to split afresh"
            if kept
            else "name smaller groups, or add pictures of these classes by other signers",
        )
