"""Cached features: the frozen backbone looks at every picture and view once, not every epoch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.model.parts import feature_network
from fingerspell.train.arrays import DamagedError, read_arrays, write_arrays

NAME = "features.npz"
FIELDS = ("x", "y", "weight")

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Features:
    """What a frozen backbone made of pictures: x (N, F) float16, y (N, C) one-hot, weight (N,)."""

    x: NDArray[np.float16]
    y: NDArray[np.float32]
    weight: NDArray[np.float32]


def cache_features(
    model: keras.Model, batches: Iterable[Batch], steps: int, told: Callable[[int], None]
) -> Features:
    """Runs the backbone once over `steps` batches of (pictures, one-hot labels, weights).

    Half precision halves the cache (1.9 kB a picture); features are of order 1, so nothing is
    lost that the head could see. `told` is called with the number of pictures of each batch.
    """
    labels, weights = [], []

    def pictures() -> Iterator[tuple[NDArray[np.float32]]]:
        for x, y, weight in itertools.islice(batches, steps):
            labels.append(y)
            weights.append(weight)
            told(len(y))
            yield (x,)

    features = feature_network(model).predict(pictures(), steps=steps, verbose=0)
    return Features(
        np.asarray(features, np.float16), np.concatenate(labels), np.concatenate(weights)
    )


def write_features(path: Path, fingerprint: str, parts: dict[str, Features]) -> None:
    """Writes the features of each split, bound to the run that they belong to.

    A full disk is told of and does not end a run: an interrupted one would make them again.
    """
    arrays = {f"{name}/{f}": getattr(part, f) for name, part in parts.items() for f in FIELDS}
    try:
        write_arrays(path, {**arrays, "fingerprint": np.array(fingerprint)})
    except OSError as error:
        print(f"warning: cached features could not be written ({error}); going on", flush=True)


def read_features(path: Path, fingerprint: str) -> dict[str, Features] | None:
    """Reads what `write_features` wrote; nothing where it is absent, damaged or another run's."""
    if not path.is_file():
        return None
    try:
        arrays = read_arrays(path)
        if str(arrays.pop("fingerprint")) != fingerprint:
            return None
        names = {key.split("/")[0] for key in arrays}
        return {name: Features(*(arrays[f"{name}/{f}"] for f in FIELDS)) for name in names}
    except (DamagedError, KeyError) as error:
        print(f"warning: cached features are damaged ({error}): made again", flush=True)
        return None


def shuffled(features: Features, batch_size: int, seed: int, first_step: int) -> Iterator[Batch]:
    """Yields batches without end from `first_step` on, in an order that (seed, epoch) decides.

    An epoch has N // batch_size steps; which pictures its incomplete last batch would have held
    changes from epoch to epoch.
    """
    steps = len(features.y) // batch_size
    for epoch in itertools.count(first_step // steps):
        order = np.random.default_rng((seed, epoch)).permutation(len(features.y))
        for step in range(first_step % steps if epoch == first_step // steps else 0, steps):
            rows = order[step * batch_size : (step + 1) * batch_size]
            yield features.x[rows].astype(np.float32), features.y[rows], features.weight[rows]
