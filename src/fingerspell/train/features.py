"""Feature cache: a frozen backbone computes the features of every view once, not every epoch.

Features lie on the disk in pieces, each written atomically with a checksum: a killed run continues
at the piece in progress. They are read through memory maps, so that only a batch is in memory.
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

_PIECES = 64
"""Pieces of a block at most: a kill costs a 64th of the work, and few files are open at once."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

_Pieces = dict[tuple[int, int], NDArray[Any]]
"""Rows by the first batch that they hold, and the first behind."""


def affordable_views(wanted: int, budget_bytes: int, view_bytes: int, other_bytes: int) -> int:
    """Returns how many views fit the budget beside `other_bytes`; prints a note where it is fewer.

    A budget of 0 turns the cache off: no note.
    """
    views = max(0, min(wanted, (budget_bytes - other_bytes) // view_bytes))
    if views < wanted and budget_bytes > 0:
        instead = "" if views else ": the frozen network computes every picture in every epoch"
        print(
            f"cached features: {views} of {wanted} views fit in feature_cache_bytes="
            f"{budget_bytes}, each takes {view_bytes / 1e9:.2g} GB{instead}",
            flush=True,
        )
    return views


def row_of(features: int, classes: int) -> np.dtype[Any]:
    """Returns the dtype of one picture's row: features, one-hot label, weight.

    Half precision halves it (1.9 kB for the features); they are of order 1, and the head
    does not depend on the lost digits.
    """
    return np.dtype([("x", "f2", (features,)), ("y", "f4", (classes,)), ("weight", "f4")])


@dataclass(frozen=True, slots=True)
class FeatureBlock:
    """Pictures whose features are cached: `count` of them, in batches that start at any number."""

    name: str
    count: int
    batch_size: int
    batches: Callable[[int], Iterable[Batch]]

    def edges(self) -> list[tuple[int, int]]:
        """Returns the first batch of every piece, and the first behind it."""
        steps = math.ceil(self.count / self.batch_size)
        size = math.ceil(steps / _PIECES)
        return [(first, min(first + size, steps)) for first in range(0, steps, size)]

    def rows(self, edge: tuple[int, int]) -> int:
        """Returns how many rows a piece has; the last batch may be short."""
        return min(self.count, edge[1] * self.batch_size) - edge[0] * self.batch_size

    def joined(self, pieces: _Pieces) -> Rows:
        """Returns all pieces as one."""
        return Rows([pieces[edge] for edge in self.edges()])


class FeatureStore:
    """A folder of feature pieces, some of which may be there from an earlier session."""

    def __init__(self, folder: Path, kind: np.dtype[Any]) -> None:
        self.folder, self.kind = folder, kind
        self.full = False

    def find(self, block: FeatureBlock) -> _Pieces:
        """Returns the undamaged pieces of a block; prints a warning for each damaged one."""
        found = {}
        for edge in block.edges():
            path = self._path(block, edge)
            if not path.is_file():
                continue
            try:
                found[edge] = map_rows(path, self.kind, block.rows(edge))
            except DamagedError as error:
                print(
                    f"warning: cached features are damaged ({path.name}: {error}): computed again",
                    flush=True,
                )
        return found

    def complete(
        self,
        block: FeatureBlock,
        found: _Pieces,
        compute: Callable[[Callable[[], Iterable[Batch]]], NDArray[Any]],
    ) -> None:
        """Adds the missing pieces of a block to `found`; `compute` returns the rows of a piece.

        Its argument is a function that returns the piece's batches. It may call that again where
        memory was full half way.
        """
        stream = _Stream(block)
        for edge in block.edges():
            if edge not in found:
                rows = compute(functools.partial(stream.take, *edge))
                found[edge] = self._write(block, edge, rows)

    def _write(
        self, block: FeatureBlock, edge: tuple[int, int], rows: NDArray[Any]
    ) -> NDArray[Any]:
        """Writes a piece; where the disk is full, the run continues with the piece in memory."""
        path = self._path(block, edge)
        try:
            write_rows(path, rows)
            return map_rows(path, self.kind, len(rows))
        except (OSError, DamagedError) as error:
            if not self.full:
                print(
                    f"warning: cached features could not be written ({error}); they stay in "
                    "memory, and an interrupted run computes them again",
                    flush=True,
                )
            self.full = True
            return rows

    def _path(self, block: FeatureBlock, edge: tuple[int, int]) -> Path:
        return self.folder / f"{block.name}_{edge[0]:08d}.npy"


def extract(
    network: keras.Model, batches: Iterable[Batch], at_once: int, advance: Callable[[int], None]
) -> NDArray[Any]:
    """Returns the feature rows of batches of (pictures, one-hot labels, weights).

    `network` computes at most `at_once` pictures at a time. `advance` is called with the number
    of pictures of each batch.
    """
    pieces = []
    for x, y, weight in batches:
        advance(len(y))
        rows = np.empty(len(y), row_of(int(network.output_shape[-1]), y.shape[1]))
        rows["y"], rows["weight"] = y, weight
        for start in range(0, len(x), at_once):
            some = slice(start, start + at_once)
            rows["x"][some] = network.predict_on_batch(x[some])
        pieces.append(rows)
    return np.concatenate(pieces)


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


class Rows:
    """Rows in pieces on the disk, of which only those that are taken are read."""

    def __init__(self, pieces: Sequence[NDArray[Any]]) -> None:
        # Plain views: a memory map's own type makes every access slower.
        self.pieces = [np.asarray(piece) for piece in pieces]
        self.edges = np.cumsum([0, *(len(piece) for piece in pieces)])

    def __len__(self) -> int:
        return int(self.edges[-1])

    def take(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Returns copies of the rows of these numbers, in their order."""
        taken = np.empty(len(numbers), self.pieces[0].dtype)
        owners = np.searchsorted(self.edges, numbers, side="right") - 1
        offsets = numbers - self.edges[owners]
        for i, (owner, offset) in enumerate(zip(owners.tolist(), offsets.tolist(), strict=True)):
            taken[i] = self.pieces[owner][offset]
        return taken

    def close(self) -> None:
        """Closes the files: Windows removes none that is still mapped."""
        self.pieces = []


def remove_others(folder: Path) -> None:
    """Removes other feature folders beside `folder`: of another phase, or of changed settings."""
    for other in folder.parent.glob(f"{FOLDER}_*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


class _Stream:
    """The batches of a block, continued from piece to piece: starting a stream takes time."""

    def __init__(self, block: FeatureBlock) -> None:
        self.block, self.at = block, -1
        self.batches: Iterator[Batch] = iter(())

    def take(self, first: int, end: int) -> Iterator[Batch]:
        """Returns the batches from `first` to `end`."""
        if self.at != first:
            self.batches = iter(self.block.batches(first))
        self.at = end
        return itertools.islice(self.batches, end - first)


def _batch(rows: NDArray[Any]) -> Batch:
    return rows["x"].astype(np.float32), rows["y"].copy(), rows["weight"].copy()
