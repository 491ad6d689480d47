"""Cached features: the frozen backbone looks at every picture and view once, not every epoch.

They lie in pieces on the disk, each whole and with its checksum: what is killed midway goes on at
the piece in progress. They are read through memory maps, so that only a batch is in memory.
"""

from __future__ import annotations

import functools
import itertools
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.train.checkpoint import DamagedError, map_rows, write_rows

FOLDER = "features"
PIECES = 64
"""So many of a split at most: a kill costs a 64th of the work, and few files are open at once."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

Pieces = dict[tuple[int, int], NDArray[Any]]
"""Rows by the first batch that they hold, and the first behind."""


def row_of(features: int, classes: int) -> np.dtype[Any]:
    """Returns the layout of one picture's row: features, one-hot label, weight.

    Half precision halves it (1.9 kB for the features); they are of order 1, so nothing is lost
    that the head could see.
    """
    return np.dtype([("x", "f2", (features,)), ("y", "f4", (classes,)), ("weight", "f4")])


def affordable_views(wanted: int, budget_bytes: int, view_bytes: int, other_bytes: int) -> int:
    """Returns how many views fit the budget beside `other_bytes`, and tells where that is fewer.

    A budget of 0 is nobody's mistake: nothing is told, and nothing is cached.
    """
    views = max(0, min(wanted, (budget_bytes - other_bytes) // view_bytes))
    if views < wanted and budget_bytes > 0:
        instead = "" if views else ": the frozen network looks at every picture in every epoch"
        print(
            f"cached features: {views} of {wanted} views fit in feature_cache_bytes="
            f"{budget_bytes}, each takes {view_bytes / 1e9:.2g} GB{instead}",
            flush=True,
        )
    return views


class Rows:
    """Rows in pieces, of which only those that are asked for are read."""

    def __init__(self, pieces: Sequence[NDArray[Any]]) -> None:
        # Plain views: a memory map's own type makes every access dearer.
        self.pieces = [np.asarray(piece) for piece in pieces]
        self.edges = np.cumsum([0, *(len(piece) for piece in pieces)])

    def __len__(self) -> int:
        return int(self.edges[-1])

    def take(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Returns copies of the rows of these numbers, in their order."""
        taken = np.empty(len(numbers), self.pieces[0].dtype)
        owners = np.searchsorted(self.edges, numbers, side="right") - 1
        places = numbers - self.edges[owners]
        for i, (owner, place) in enumerate(zip(owners.tolist(), places.tolist(), strict=True)):
            taken[i] = self.pieces[owner][place]
        return taken

    def close(self) -> None:
        """Lets go of the files: Windows removes none that is still mapped."""
        self.pieces = []


def look(
    network: keras.Model, batches: Iterable[Batch], at_once: int, told: Callable[[int], None]
) -> NDArray[Any]:
    """Returns the rows that `network` makes of batches of (pictures, one-hot labels, weights).

    It looks at no more than `at_once` pictures together. `told` is called with the number of
    pictures of each batch.
    """
    pieces = []
    for x, y, weight in batches:
        told(len(y))
        rows = np.empty(len(y), row_of(int(network.output_shape[-1]), y.shape[1]))
        rows["y"], rows["weight"] = y, weight
        for start in range(0, len(x), at_once):
            some = slice(start, start + at_once)
            rows["x"][some] = network.predict_on_batch(x[some])
        pieces.append(rows)
    return np.concatenate(pieces)


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """What is to be looked at: `count` pictures in batches, from any of them on."""

    name: str
    count: int
    batch_size: int
    batches: Callable[[int], Iterable[Batch]]

    def edges(self) -> list[tuple[int, int]]:
        """Returns the first batch of every piece, and the first behind it."""
        steps = math.ceil(self.count / self.batch_size)
        size = math.ceil(steps / PIECES)
        return [(first, min(first + size, steps)) for first in range(0, steps, size)]

    def rows(self, edge: tuple[int, int]) -> int:
        """Returns how many rows a piece has; the last batch may be short."""
        return min(self.count, edge[1] * self.batch_size) - edge[0] * self.batch_size

    def joined(self, pieces: Pieces) -> Rows:
        """Returns all pieces as one."""
        return Rows([pieces[edge] for edge in self.edges()])


class Shelf:
    """A folder of pieces, some of which may be there from an earlier session."""

    def __init__(self, folder: Path, kind: np.dtype[Any]) -> None:
        self.folder, self.kind = folder, kind
        self.full = False

    def find(self, split: FeatureBlock) -> Pieces:
        """Returns the pieces of a split that are whole; damaged ones are told of."""
        found = {}
        for edge in split.edges():
            path = self._path(split, edge)
            if not path.is_file():
                continue
            try:
                found[edge] = map_rows(path, self.kind, split.rows(edge))
            except DamagedError as error:
                print(
                    f"warning: cached features are damaged ({path.name}: {error}): made again",
                    flush=True,
                )
        return found

    def fill(
        self,
        split: FeatureBlock,
        found: Pieces,
        look_at: Callable[[Callable[[], Iterable[Batch]]], NDArray[Any]],
    ) -> None:
        """Adds to `found` what is missing of a split; `look_at` makes the rows of a piece.

        It is given a function that returns the piece's batches, and may call that again where
        memory was full half way.
        """
        flow = _Flow(split)
        for edge in split.edges():
            if edge not in found:
                rows = look_at(functools.partial(flow.take, *edge))
                found[edge] = self._keep(split, edge, rows)

    def _keep(self, split: FeatureBlock, edge: tuple[int, int], rows: NDArray[Any]) -> NDArray[Any]:
        """Brings a piece to the disk; a full one does not end a run, but then memory holds it."""
        path = self._path(split, edge)
        try:
            write_rows(path, rows)
            return map_rows(path, self.kind, len(rows))
        except (OSError, DamagedError) as error:
            if not self.full:
                print(
                    f"warning: cached features could not be written ({error}); they stay in "
                    "memory, and an interrupted run makes them again",
                    flush=True,
                )
            self.full = True
            return rows

    def _path(self, split: FeatureBlock, edge: tuple[int, int]) -> Path:
        return self.folder / f"{split.name}_{edge[0]:08d}.npy"


def drop_others(folder: Path) -> None:
    """Removes the features beside `folder`: of another phase, or of settings that were changed."""
    for other in folder.parent.glob(f"{FOLDER}_*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


class _Flow:
    """The batches of a split, read on where they were left: starting a stream takes its time."""

    def __init__(self, split: FeatureBlock) -> None:
        self.split, self.at = split, -1
        self.batches: Iterator[Batch] = iter(())

    def take(self, first: int, end: int) -> Iterator[Batch]:
        """Returns the batches from `first` to `end`."""
        if self.at != first:
            self.batches = iter(self.split.batches(first))
        self.at = end
        return itertools.islice(self.batches, end - first)


def shuffled(rows: Rows, batch_size: int, seed: int, first_step: int) -> Iterator[Batch]:
    """Yields batches without end from `first_step` on, in an order that (seed, pass) decides.

    A pass has N // batch_size steps; which rows its incomplete last batch would have held changes
    from pass to pass.
    """
    steps = len(rows) // batch_size
    for number in itertools.count(first_step // steps):
        order = np.random.default_rng((seed, number)).permutation(len(rows))
        for step in range(first_step % steps if number == first_step // steps else 0, steps):
            yield _batch(rows.take(order[step * batch_size : (step + 1) * batch_size]))


def in_order(rows: Rows, batch_size: int) -> Iterator[Batch]:
    """Yields every row once; the last batch may be short."""
    for start in range(0, len(rows), batch_size):
        yield _batch(rows.take(np.arange(start, min(start + batch_size, len(rows)))))


def _batch(rows: NDArray[Any]) -> Batch:
    return rows["x"].astype(np.float32), rows["y"].copy(), rows["weight"].copy()
