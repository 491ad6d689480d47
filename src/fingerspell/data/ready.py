"""Splits that a folder brings with it: kept where they hold, refused where they leak."""

from __future__ import annotations

from collections.abc import Sequence

from fingerspell.data.manifest import SPLITS
from fingerspell.data.split import Leak, Shares, split_groups
from fingerspell.errors import DataError


def keep(
    labels: Sequence[str],
    groups: Sequence[str],
    given: Sequence[str],
    shares: Shares,
    seed: int,
) -> list[str]:
    """Returns the splits of one source as its folders give them.

    `val` or `test`, where the source has none, is cut out of its training groups, in proportion
    to `shares`. Raises `DataError` where the source has no training pictures.
    """
    there = set(given)
    if "train" not in there:
        raise DataError(
            found=f"a ready-made split without train, only {', '.join(sorted(there))}",
            expected="train, and val and test beside it or cut out of it",
            fix="add --resplit to split all its pictures afresh",
        )
    if there == set(SPLITS):
        return list(given)
    open_shares = [
        share if split == "train" or split not in there else 0.0
        for split, share in zip(SPLITS, shares, strict=True)
    ]
    total = sum(open_shares)
    train, val, test = (share / total for share in open_shares)
    free = [i for i, split in enumerate(given) if split == "train"]
    cut = split_groups([labels[i] for i in free], [groups[i] for i in free],
                       (train, val, test), seed)  # fmt: skip
    splits = list(given)
    for i, split in zip(free, cut, strict=True):
        splits[i] = split
    return splits


def refuse_torn(kept: Sequence[str], leaked: Leak) -> None:
    """Raises `DataError` where the splits of the sources `kept` tear groups apart."""
    if not leaked.torn_groups:
        return
    raise DataError(
        found=f"the ready-made split of {', '.join(kept)} leaks: {leaked.torn_groups:,} groups of "
        f"near duplicates lie on several sides, "
        f"{leaked.test_pictures_with_twin_in_train:,} test pictures have a twin in train",
        expected="near-duplicate pictures on one side of the split",
        fix="add --resplit to split its pictures afresh, or --split random to let it leak",
    )
