"""Train, val and test split by groups, as near to the shares as they allow, and its leaks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from fingerspell.config.prepare import PrepareConfig
from fingerspell.dataset.manifest import SPLITS, leaking
from fingerspell.errors import DataError
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.groups import Side, connect

Shares = tuple[float, float, float]
_Counts = NDArray[np.int64]
"""(groups, classes): how many pictures."""

_Homes = NDArray[np.int64]
"""(groups,): 0, 1 or 2 for train, val, test."""

_TRIES = 200
_LEAST = 4
_CUT_GROUPS, _IMPROVED_GROUPS = 400_000, 8_000
"""So many groups in all are cut and improved: many times where there are few."""

_MOVED, _LEAST_MOVED = 1_000, 150
"""So many groups may be moved to improve a cut, and so many of each class at least."""

_MOST_TRIED_OUT = 7
_MIN_PICTURES = 3
"""A class needs one picture for each split."""

_EMPTY = (1.0, 0.25, 0.5)
"""What it costs, in shares of a class, to leave it without train, val or test pictures."""


@dataclass(frozen=True, slots=True)
class _Leak:
    """What a split lets through from train to the other side."""

    torn_groups: int
    crossing_pairs: int
    test_pictures_with_twin_in_train: int


@dataclass(frozen=True, slots=True)
class Assigned:
    """The split of each picture, the sources whose predefined split was kept, and the leaks.

    `missed_points` names the classes whose shares miss those asked for by more than one
    percentage point, and by how many, over the sources that were split here.
    """

    splits: list[str]
    kept: tuple[str, ...]
    leaks: dict[str, dict[str, int]]
    missed_points: dict[str, float]


def assign(config: PrepareConfig, side: Side) -> Assigned:
    """Splits by the rule asked for; predefined splits stay unless they leak or `resplit` is set.

    Raises `DataError` for a predefined split that leaks, and where a split stays empty.
    """
    pictures, grouping = side.pictures, side.grouping
    labels = [picture.file.label for picture in pictures]
    random = _split_random(labels, config.shares, config.seed)
    kept: tuple[str, ...] = ()
    if not config.resplit and config.split != "random":
        kept = tuple(sorted({p.file.source for p in pictures if p.file.split}))
    splits = random if config.split == "random" else _split(config, side, kept)
    leaked = _leak(splits, grouping.groups, grouping.pairs)
    if kept:
        _refuse_torn(kept, leaked)
    _refuse_empty(splits, config)
    _refuse_unlearnt(labels, splits, kept)
    fresh = [i for i, picture in enumerate(pictures) if picture.file.source not in kept]
    return Assigned(
        splits,
        kept,
        {
            "this_split": _counted(leaked, splits),
            "random_split": _counted(_leak(random, grouping.groups, grouping.pairs), random),
        },
        _far(_missed([labels[i] for i in fresh], [splits[i] for i in fresh], config.shares)),
    )


def check_counts(pictures: Sequence[Picture], labels: Collection[str], copies: int = 0) -> None:
    """Refuses classes that cannot be split in three, counted over the usable pictures.

    `copies` were left out, because held-out sources hold the same pictures.
    """
    counts = Counter(picture.file.label for picture in pictures)
    too_few = [
        f"{label} ({counts[label]})" for label in sorted(labels) if counts[label] < _MIN_PICTURES
    ]
    if too_few:
        raise DataError(
            found=f"too few usable pictures in class {', '.join(too_few)}"
            + (f", after {copies:,} copies of held-out pictures were left out" if copies else ""),
            expected=f"at least {_MIN_PICTURES} a class: one each for train, val and test",
            fix="add pictures, or take the class folder out",
        )


def split_groups(
    labels: Sequence[str], groups: Sequence[str], shares: Shares, seed: int
) -> list[str]:
    """Returns one of `SPLITS` a picture; no group is ever torn apart.

    Each class is split on its own, as near to `shares` as its groups allow; classes that share
    groups together, as near in each as is possible. With three groups or more every split gets
    at least one, unless its share is 0. With two, the larger trains and the other tests: a class
    that can't be learnt helps nobody, and one that is learnt but never tested would hide its
    errors, whereas without validation pictures only early stopping is blind to it. With one group
    everything trains, and the report says that the class is not tested.
    """
    result = [""] * len(labels)
    for tied, members in _tied_classes(labels, groups):
        names = sorted({groups[i] for i in members})
        row = {name: place for place, name in enumerate(names)}
        column = {label: place for place, label in enumerate(tied)}
        counts = np.zeros((len(names), len(tied)), np.int64)
        for i in members:
            counts[row[groups[i]], column[labels[i]]] += 1
        rng = np.random.default_rng([seed, *tied[0].encode("utf-8")])
        homes = _place(counts, shares, rng).tolist()
        for i in members:
            result[i] = SPLITS[homes[row[groups[i]]]]
    return result


def _split_random(labels: Sequence[str], shares: Shares, seed: int) -> list[str]:
    """Returns one of `SPLITS` a picture, drawn for each class by itself: frames of one video land
    on all sides. This is the rule behind most published figures."""
    return split_groups(labels, [str(i) for i in range(len(labels))], shares, seed)


def _missed(labels: Sequence[str], splits: Sequence[str], shares: Shares) -> dict[str, float]:
    """Returns for each class by how many percentage points a split misses its share, at most.

    Pictures outside of `SPLITS` (held-out sources) don't count; a class with no others is left
    out.
    """
    counts = Counter(zip(labels, splits, strict=True))
    misses = {}
    for label in sorted(set(labels)):
        got = np.asarray([counts[label, split] for split in SPLITS], np.float64)
        if total := got.sum():
            misses[label] = float(100 * np.abs(got / total - shares).max())
    return misses


def _place(counts: _Counts, shares: Shares, rng: np.random.Generator) -> _Homes:
    """Returns 0, 1 or 2 (train, val, test) for every group of some classes.

    Up to 200 random orders are cut where the sums come nearest to the shares; the best are then
    improved by moving single groups. With few groups, where that may end short of the best,
    everything is tried. Cutting random orders, rather than packing the largest first, keeps
    small and large groups on all sides.
    """
    live = np.flatnonzero(np.asarray(shares) > 0)
    sizes = counts.sum(axis=1)
    if len(counts) < len(live) or len(live) == 1:
        return _place_few(sizes, live)
    aim = _Aim.of(counts, shares)
    if len(counts) <= _MOST_TRIED_OUT:
        ways = rng.permutation(_all_ways(len(counts), live))
        best: _Homes = ways[int(aim.miss(_sums(counts, ways)).argmin())]
        return best

    if counts.shape[1] == 1 and sizes.max() == 1:  # Single pictures: every order cuts alike.
        return _cut(sizes, aim, live, rng.permutation(len(counts)))

    def miss(homes: _Homes) -> float:
        return float(aim.miss(_sums(counts, homes)))

    orders = (rng.permutation(len(counts)) for _ in range(_times(_CUT_GROUPS, counts)))
    cuts = (_cut(sizes, aim, live, order) for order in orders)
    best_cuts = nsmallest(_times(_IMPROVED_GROUPS, counts), cuts, key=miss)
    loose = _movable(counts, rng)
    return min((_improve(counts, homes, aim, loose) for homes in best_cuts), key=miss)


def _leak(splits: Sequence[str], groups: Sequence[str], pairs: NDArray[np.int64]) -> _Leak:
    """_Counts groups on several sides, near-duplicate pairs across sides, and spoilt test pictures.

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
    return _Leak(sum(len(x) > 1 for x in sides.values()), int(crossing.sum()), len(twins))


@dataclass(frozen=True, slots=True)
class _Aim:
    """How many pictures of each class each split should get, (splits, classes).

    `weights` (classes,) count a picture of a small class for more; `empty` (splits,) is what an
    empty split of a class costs.
    """

    pictures: NDArray[np.float64]
    weights: NDArray[np.float64]
    empty: NDArray[np.float64]

    @staticmethod
    def of(counts: _Counts, shares: Shares) -> _Aim:
        totals = counts.sum(axis=0)
        empty = np.where(np.asarray(shares) > 0, _EMPTY, 0.0)
        return _Aim(np.outer(shares, totals), 1 / totals, empty)

    def miss(self, sums: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns what the sums (..., splits, classes) miss, in shares of a class: (...)."""
        return np.asarray(sum(self.cost(sums[..., split, :], split) for split in range(3)))

    def cost(self, sums: NDArray[np.int64], split: int) -> NDArray[np.float64]:
        """Returns what sums (..., classes) miss in one split: (...)."""
        off = np.abs(sums - self.pictures[split]) @ self.weights
        return np.asarray(off + self.empty[split] * (sums == 0).sum(axis=-1))


def _times(groups: int, counts: _Counts) -> int:
    return max(_LEAST, min(_TRIES, groups // len(counts)))


def _tied_classes(
    labels: Sequence[str], groups: Sequence[str]
) -> Iterable[tuple[list[str], list[int]]]:
    """Yields the classes that groups tie together, each with their pictures, in name order."""
    classes = sorted(set(labels))
    column = {label: place for place, label in enumerate(classes)}
    first: dict[str, int] = {}
    ties = {
        (first.setdefault(g, column[x]), column[x]) for x, g in zip(labels, groups, strict=True)
    }
    roots = connect(len(classes), np.asarray(sorted(ties), np.int64).reshape(-1, 2)).tolist()
    tied, members = defaultdict[int, list[str]](list), defaultdict[int, list[int]](list)
    for root, label in zip(roots, classes, strict=True):
        tied[root].append(label)
    for i, label in enumerate(labels):
        members[roots[column[label]]].append(i)
    return ((tied[root], members[root]) for root in tied)


def _place_few(sizes: NDArray[np.int64], live: NDArray[np.int64]) -> _Homes:
    """_Homes of fewer groups than splits: the largest goes to the first split, the next to the
    last."""
    homes = np.full(len(sizes), live[0], np.int64)
    if len(live) > 1 and len(sizes) > 1:
        homes[int(sizes[1] > sizes[0]) ^ 1] = live[-1]
    return homes


def _cut(
    sizes: NDArray[np.int64], aim: _Aim, live: NDArray[np.int64], order: NDArray[np.int64]
) -> _Homes:
    """Cuts one order into a part for each live split, of at least one group each."""
    upto = np.cumsum(sizes[order])
    wanted = np.cumsum(aim.pictures.sum(axis=1)[live])
    homes = np.full(len(order), live[-1], np.int64)
    start = 0
    for number, split in enumerate(live[:-1].tolist()):
        stop = len(order) - (len(live) - 1 - number)
        end = start + 1 + int(np.argmin(np.abs(upto[start:stop] - wanted[number])))
        homes[order[start:end]] = split
        start = end
    return homes


def _sums(counts: _Counts, homes: _Homes) -> NDArray[np.int64]:
    """Returns (..., splits, classes): how many pictures each split got by homes (..., groups)."""
    inside = homes[..., None, :] == np.arange(3)[:, None]
    sums: NDArray[np.int64] = inside.astype(np.int64) @ counts
    return sums


def _all_ways(groups: int, live: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns all ways (ways, groups) that leave no live split empty."""
    ways = live[np.indices((len(live),) * groups).reshape(groups, -1).T]
    full: NDArray[np.int64] = ways[(ways[:, :, None] == live).any(axis=1).all(axis=1)]
    return full


def _movable(counts: _Counts, rng: np.random.Generator) -> NDArray[np.int64]:
    """Returns which groups are worth moving: of very many, some of every class suffice."""
    order = rng.permutation(len(counts))
    each = max(_LEAST_MOVED, _MOVED // counts.shape[1])
    chosen = [order[counts[order, column] > 0][:each] for column in range(counts.shape[1])]
    return np.unique(np.concatenate(chosen))


def _improve(counts: _Counts, homes: _Homes, aim: _Aim, loose: NDArray[np.int64]) -> _Homes:
    """Moves one of the `loose` groups at a time to another split while that lowers the miss.

    A split without a share never gains by a group: there all of it is too much.
    """
    homes = homes.copy()
    moving, sums = counts[loose], _sums(counts, homes)
    while True:
        here = homes[loose]
        gain = np.zeros((len(loose), 3))
        for split in range(3):
            now = aim.cost(sums[split], split)
            inside = here == split
            gain[inside] += (now - aim.cost(sums[split] - moving[inside], split))[:, None]
            gain[:, split] += now - aim.cost(sums[split] + moving, split)
        gain[np.bincount(homes, minlength=3)[here] < 2] = 0
        gain[np.arange(len(loose)), here] = 0
        group, best = divmod(int(gain.argmax()), 3)
        if gain[group, best] <= 1e-9:
            return homes
        sums[here[group]] -= moving[group]
        sums[best] += moving[group]
        homes[loose[group]] = best


def _keep_predefined(
    labels: Sequence[str],
    groups: Sequence[str],
    predefined: Sequence[str],
    shares: Shares,
    seed: int,
) -> list[str]:
    """Returns the splits of one source as its folders name them.

    `val` or `test`, where the source has none, is cut out of its training groups, in proportion
    to `shares`. Raises `DataError` where the source has no training pictures.
    """
    there = set(predefined)
    if "train" not in there:
        raise DataError(
            found=f"a ready-made split without train, only {', '.join(sorted(there))}",
            expected="train, and val and test beside it or cut out of it",
            fix="add --resplit to split all its pictures afresh",
        )
    if there == set(SPLITS):
        return list(predefined)
    open_shares = [
        share if split == "train" or split not in there else 0.0
        for split, share in zip(SPLITS, shares, strict=True)
    ]
    total = sum(open_shares)
    train, val, test = (share / total for share in open_shares)
    free = [i for i, split in enumerate(predefined) if split == "train"]
    cut = split_groups([labels[i] for i in free], [groups[i] for i in free],
                       (train, val, test), seed)  # fmt: skip
    splits = list(predefined)
    for i, split in zip(free, cut, strict=True):
        splits[i] = split
    return splits


def _refuse_torn(kept: Sequence[str], leaked: _Leak) -> None:
    """Raises `DataError` where the splits of the sources `kept` tear groups apart."""
    if not leaked.torn_groups:
        return
    raise leaking(
        ", ".join(kept),
        f"{leaked.torn_groups:,} groups of near duplicates or of one person",
        leaked.test_pictures_with_twin_in_train,
        "add --resplit to split its pictures afresh, or --split random to let it leak",
    )


def _split(config: PrepareConfig, side: Side, kept: Sequence[str]) -> list[str]:
    """Splits every kept source by itself, and all others together."""
    pictures, groups_of = side.pictures, side.grouping.groups
    sources = np.asarray([p.file.source if p.file.source in kept else "" for p in pictures])
    splits = [""] * len(pictures)
    home: dict[str, str] = {}
    for source in (*kept, ""):
        members: NDArray[np.int64] = np.flatnonzero(sources == source)
        labels = [pictures[i].file.label for i in members]
        groups = [groups_of[i] for i in members]
        if source:
            predefined = [pictures[i].file.split for i in members]
            homes = _keep_predefined(labels, groups, predefined, config.shares, config.seed)
        else:
            homes = _split_beside(home, labels, groups, config.shares, config.seed)
        for i, split in zip(members, homes, strict=True):
            splits[i] = split
            home[groups_of[i]] = split
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


def _counted(leaked: _Leak, splits: Sequence[str]) -> dict[str, int]:
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
