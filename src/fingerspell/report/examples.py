"""Few pictures that stand for many: some of each class, a few of each large group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from fingerspell.dataset.manifest import SPLITS, Sample
from fingerspell.files import evenly_spaced

T = TypeVar("T")


def split_order(samples: Iterable[Sample]) -> tuple[str, ...]:
    """Returns the splits that occur: train, val and test first, then any other by name."""
    seen = {sample.split for sample in samples}
    return (*(s for s in SPLITS if s in seen), *sorted(seen - set(SPLITS)))


def grouped(
    samples: Iterable[Sample], by: Callable[[Sample], str]
) -> Mapping[str, Sequence[Sample]]:
    """Returns the samples by a key, keys and samples in the order they come."""
    parts: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        parts[by(sample)].append(sample)
    return parts


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Returns up to `count` items at even distances, the first and the last among them."""
    return evenly_spaced(items, min(count, len(items)), ends=len(items) > count)


def of_class(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Returns up to `count` pictures of one class, spread over splits, sources and groups.

    Every split gives the same number where it has as many; within a split no group gives two
    while another gives none.
    """
    parts = grouped(samples, lambda sample: sample.split)
    order = split_order(samples)
    room = dict.fromkeys(order, 0)
    for _ in range(min(count, len(samples))):
        free = [split for split in order if room[split] < len(parts[split])]
        room[min(free, key=lambda split: room[split])] += 1
    return [sample for split in order for sample in _of_split(parts[split], room[split])]


def _of_split(samples: Sequence[Sample], count: int) -> list[Sample]:
    ordered = sorted(samples, key=lambda sample: (sample.source, sample.group, sample.path))
    groups = [
        part[len(part) // 2] for part in grouped(ordered, lambda sample: sample.group).values()
    ]
    if len(groups) >= count:
        return evenly(groups, count)
    chosen = set(groups)
    chosen |= set(evenly([s for s in ordered if s not in chosen], count - len(groups)))
    return [sample for sample in ordered if sample in chosen]


def first_of_groups(samples: Iterable[Sample]) -> list[Sample]:
    """Returns the first picture of each group, in the order they come."""
    return [part[0] for part in grouped(samples, lambda sample: sample.group).values()]


def largest_groups(samples: Iterable[Sample], count: int) -> list[Sequence[Sample]]:
    """Returns the `count` largest groups of two pictures or more, each in order of path."""
    groups = grouped(samples, lambda sample: sample.group)
    several = [item for item in groups.items() if len(item[1]) > 1]
    largest = sorted(several, key=lambda item: (-len(item[1]), item[0]))[:count]
    return [sorted(part, key=lambda sample: sample.path) for _, part in largest]
