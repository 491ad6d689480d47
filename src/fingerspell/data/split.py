"""Who goes to train, val and test: whole groups, or single pictures at random.

Pure functions of labels, groups, shares and a seed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.data.manifest import SPLITS

Shares = tuple[float, float, float]
_TRIES = 200
_MOST_TRIED_OUT = 7


def split_groups(
    labels: Sequence[str], groups: Sequence[str], shares: Shares, seed: int
) -> list[str]:
    """Returns one of `SPLITS` a picture; no group is ever torn apart.

    Each class is split on its own, as near to `shares` as its groups allow. With three groups or
    more every split gets at least one. With two, the larger trains and the other tests: a class
    that can't be learnt helps nobody, and one that is learnt but never tested would hide its
    errors, whereas without validation pictures only early stopping is blind to it. With one group
    everything trains, and the report says that the class is not tested.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        members[label].append(index)
    result = [""] * len(labels)
    for label in sorted(members):
        sizes = Counter(groups[i] for i in members[label])
        names = sorted(sizes)
        rng = np.random.default_rng([seed, *label.encode("utf-8")])
        homes = place([sizes[name] for name in names], shares, rng)
        home = dict(zip(names, homes.tolist(), strict=True))
        for i in members[label]:
            result[i] = SPLITS[home[groups[i]]]
    return result


def split_random(labels: Sequence[str], shares: Shares, seed: int) -> list[str]:
    """Returns one of `SPLITS` a picture, drawn for each class by itself: frames of one video land
    on all sides. This is the rule behind most published figures."""
    return split_groups(labels, [str(i) for i in range(len(labels))], shares, seed)


def place(sizes: Sequence[int], shares: Shares, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns 0, 1 or 2 (train, val, test) for every group of one class.

    Random orders are cut twice where the sums come nearest to the shares; the best of 200 orders
    is then improved by moving single groups. With few groups, where that may end short of the
    best, everything is tried. Cutting random orders, rather than packing the
    largest first, keeps small and large groups on all sides.
    """
    counts = np.asarray(sizes, np.int64)
    if len(counts) < 3:
        return np.asarray(_few(counts), np.int64)
    aim = np.asarray(shares) * counts.sum()
    tries = (_cut(counts, aim, rng.permutation(len(counts))) for _ in range(_TRIES))
    best = min(tries, key=lambda homes: _miss(counts, homes, aim))
    better = _improve(counts, best, aim)
    if len(counts) > _MOST_TRIED_OUT:
        return better
    return min((better, _try_all(counts, aim)), key=lambda homes: _miss(counts, homes, aim))


def _few(counts: NDArray[np.int64]) -> list[int]:
    """Homes of one group (train) or two (the larger trains, the other tests)."""
    if len(counts) < 2:
        return [0] * len(counts)
    return [0, 2] if counts[0] >= counts[1] else [2, 0]


def _cut(
    counts: NDArray[np.int64], aim: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Cuts one order into three parts of at least one group each."""
    upto = np.cumsum(counts[order])
    last = len(order)
    first_cut = 1 + int(np.argmin(np.abs(upto[: last - 2] - aim[0])))
    second = upto[first_cut : last - 1]
    second_cut = first_cut + 1 + int(np.argmin(np.abs(second - aim[0] - aim[1])))
    homes = np.empty(last, np.int64)
    homes[order[:first_cut]] = 0
    homes[order[first_cut:second_cut]] = 1
    homes[order[second_cut:]] = 2
    return homes


def _miss(counts: NDArray[np.int64], homes: NDArray[np.int64], aim: NDArray[np.float64]) -> float:
    """How many pictures lie in the wrong split, counted twice."""
    return float(np.abs(np.bincount(homes, weights=counts, minlength=3) - aim).sum())


def _try_all(counts: NDArray[np.int64], aim: NDArray[np.float64]) -> NDArray[np.int64]:
    """Returns the best of all 3^n ways that leave no split empty."""
    ways = np.indices((3,) * len(counts)).reshape(len(counts), -1).T
    inside = ways[:, :, None] == np.arange(3)
    ways, inside = ways[inside.any(axis=1).all(axis=1)], inside[inside.any(axis=1).all(axis=1)]
    miss = np.abs(np.einsum("wgs,g->ws", inside, counts) - aim).sum(axis=1)
    best: NDArray[np.int64] = ways[int(miss.argmin())]
    return best


def _improve(
    counts: NDArray[np.int64], homes: NDArray[np.int64], aim: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Moves one group at a time to another split while that lowers the miss."""
    homes = homes.copy()
    while True:
        sums = np.bincount(homes, weights=counts, minlength=3)
        kept = np.bincount(homes, minlength=3)[homes] > 1
        gain = np.zeros((len(counts), 3))
        for target in range(3):
            now = np.abs(sums[homes] - aim[homes]) + abs(sums[target] - aim[target])
            left = np.abs(sums[homes] - counts - aim[homes])
            gain[:, target] = now - left - np.abs(sums[target] + counts - aim[target])
            gain[~kept | (homes == target), target] = 0
        group, best = divmod(int(gain.argmax()), 3)
        if gain[group, best] <= 1e-9:
            return homes
        homes[group] = best


@dataclass(frozen=True, slots=True)
class Leak:
    """What a split lets through from train to the other side."""

    torn_groups: int
    crossing_pairs: int
    test_pictures_with_twin_in_train: int


def leak(splits: Sequence[str], groups: Sequence[str], pairs: NDArray[np.int64]) -> Leak:
    """Counts groups on several sides, near-duplicate pairs across sides, and spoilt test pictures.

    `pairs` is (P, 2), as `groups.find_groups` returns it.
    """
    sides: dict[str, set[str]] = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        sides[group].add(split)
    home = np.asarray([SPLITS.index(split) for split in splits], np.int64)
    ends = home[pairs]
    crossing = ends[:, 0] != ends[:, 1]
    train_test = np.sort(ends, axis=1) == (0, 2)
    spoilt = pairs[train_test.all(axis=1)]
    twins = np.unique(spoilt[home[spoilt] == 2])
    return Leak(sum(len(x) > 1 for x in sides.values()), int(crossing.sum()), len(twins))
