"""Sampling of an epoch: how many pictures of each class, source and group, and which.

An epoch is a deck of pictures.

A cell is one class in one source, its groups the near duplicates in it. With S the effective
size of a cell,

    S(cell)  = sum over its groups of n**group_power
    share(class)  ~ (sum of S over the class's cells) ** class_power
    share(cell)   = share(class) * S(cell)**source_power / (sum of the same over the class)

An epoch has T = sum of S pictures, whatever the other two powers are; a cell's pictures are
divided among its groups by n**group_power. A rate need not be whole: all groups lie on a line of
length T, cell beside cell and class beside class, each as long as its rate, and epoch e takes
what T points one apart hit, shifted by a fraction that moves from epoch to epoch. So every
group, cell and class has its share in every epoch to within one picture, and in the long run
exactly. A group gives its pictures in turn: all of them before one comes again.

Synthetic hands are one more source, and each is a group of its own: `group_power` never thins them,
so it raises their share beside videos; `source_power=0` gives them what every source has.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import SamplingConfig
from fingerspell.dataset.manifest import Sample


def class_weights(
    counts: Mapping[str, float], labels: Sequence[str], factors: Mapping[str, float] | None = None
) -> NDArray[np.float32]:
    """Returns one weight a class, in the order of `labels`; 0 for a class that never comes.

        weight[c] = pictures / (classes with pictures * pictures of c) * factor of c

    `counts` are the (expected) pictures of each class in an epoch: where the sampling has
    balanced the classes already, all weights are 1. The mean over the pictures is 1, so the
    learning rate keeps its meaning. Classes that `factors` does not name have the factor 1.
    """
    present = sum(1 for label in labels if counts.get(label))
    total = sum(counts.get(label, 0) for label in labels)
    weights = [total / (present * counts[x]) if counts.get(x) else 0.0 for x in labels]
    own = [(factors or {}).get(label, 1.0) for label in labels]
    return np.asarray(weights, dtype=np.float32) * np.asarray(own, dtype=np.float32)


EVERY_PICTURE = SamplingConfig()
"""The deck that has every picture once."""

_GOLDEN = (5**0.5 - 1) / 2
"""Steps of the golden section fall into every gap evenly, after any number of epochs."""

_Cells = Mapping[str, Mapping[str, Mapping[str, list[int]]]]
"""label → source → group → indices of its samples."""


@dataclass(frozen=True)
class Deck:
    """What every epoch of a run is made of.

    Group g owns `members[starts[g] : starts[g + 1]]` (indices of samples, in the order in which
    it gives them) and the stretch `edges[g]` to `edges[g + 1]` of the line.
    """

    length: int
    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    edges: NDArray[np.float64]

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Returns the samples of epoch `number`, sorted; one may come twice where it is rare.

        A pure function of the deck and `number`; no earlier epoch has to be made before.
        """
        before, after = self._taken(number), self._taken(number + 1)
        counts = after - before
        sizes = np.diff(self.starts)
        nth = np.arange(self.length) - np.repeat(np.cumsum(counts) - counts, counts)
        turn = (np.repeat(before, counts) + nth) % np.repeat(sizes, counts)
        return np.sort(self.members[np.repeat(self.starts[:-1], counts) + turn])

    def _taken(self, epochs: int) -> NDArray[np.int64]:
        """Returns how many pictures of each group came in the first `epochs` epochs.

        In epoch e the points shift + k hit a stretch up to `edge` floor(edge) times, and once
        more where the shift lies below the edge's fraction: sorted shifts count that for all.
        """
        shifts = np.sort((0.5 + np.arange(epochs) * _GOLDEN) % 1.0)
        whole = np.floor(self.edges)
        hits = epochs * whole + np.searchsorted(shifts, self.edges - whole)
        return np.diff(hits).astype(np.int64)


def make_deck(samples: Sequence[Sample], sampling: SamplingConfig, seed: int) -> Deck:
    """Returns the deck of `samples`; `seed` decides in which order a group gives its pictures."""
    length = epoch_length(samples, sampling)
    cells = _cells(samples)
    groups: list[list[int]] = []
    rates = []
    for (label, source), share in _shares(cells, sampling).items():
        members = list(cells[label][source].values())
        sizes = np.array([len(m) for m in members]) ** sampling.group_power
        groups.extend(members)
        rates.append(length * share * sizes / sizes.sum())
    edges = np.concatenate([[0.0], np.cumsum(np.concatenate(rates))])
    edges[-1] = length
    of_group = np.repeat(np.arange(len(groups)), [len(m) for m in groups])
    keys = np.random.default_rng(seed).random(len(samples))
    mixed = np.lexsort((keys, of_group))
    return Deck(
        length=length,
        members=np.concatenate(groups)[mixed],
        starts=np.cumsum([0, *map(len, groups)]),
        edges=edges,
    )


def epoch_length(samples: Sequence[Sample], sampling: SamplingConfig) -> int:
    """Returns the pictures of one epoch: the sum of all effective sizes, at least 1."""
    cells = _cells(samples)
    sizes = (_size(groups, sampling) for sources in cells.values() for groups in sources.values())
    return max(1, round(sum(sizes)))


def class_counts(samples: Sequence[Sample], sampling: SamplingConfig) -> dict[str, float]:
    """Returns how many pictures of each class an epoch has on average."""
    length = epoch_length(samples, sampling)
    counts: dict[str, float] = defaultdict(float)
    for (label, _), share in _shares(_cells(samples), sampling).items():
        counts[label] += length * share
    # Rounding errors must not make weights of balanced classes differ.
    return {label: round(count, 6) for label, count in counts.items()}


def _cells(samples: Sequence[Sample]) -> _Cells:
    cells: dict[str, dict[str, dict[str, list[int]]]] = {}
    for index, sample in enumerate(samples):
        groups = cells.setdefault(sample.label, {}).setdefault(sample.source, {})
        groups.setdefault(sample.group, []).append(index)
    return cells


def _size(groups: Mapping[str, Sequence[int]], sampling: SamplingConfig) -> float:
    return sum(float(len(members) ** sampling.group_power) for members in groups.values())


def _shares(cells: _Cells, sampling: SamplingConfig) -> dict[tuple[str, str], float]:
    """Returns each cell's share of the deck; they add up to 1."""
    sizes = {
        label: {source: _size(groups, sampling) for source, groups in sources.items()}
        for label, sources in cells.items()
    }
    classes = _normalised({x: sum(s.values()) for x, s in sizes.items()}, sampling.class_power)
    return {
        (label, source): classes[label] * share
        for label, sources in sizes.items()
        for source, share in _normalised(sources, sampling.source_power).items()
    }


def _normalised(sizes: Mapping[str, float], power: float) -> dict[str, float]:
    total = sum(size**power for size in sizes.values())
    return {name: size**power / total for name, size in sizes.items()}
