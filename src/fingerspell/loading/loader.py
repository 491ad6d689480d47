"""Data loading with Grain: decode, augment and batch in threads, the same on every backend.

_Element i of a training stream is a pure function of (seed, i): which picture it is and how it is
changed. A run that is resumed at step s continues exactly as if it had never stopped, and several
processes that share a batch see together what one would see.
"""

import functools
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig, SamplingConfig
from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.errors import require
from fingerspell.images import fit, read
from fingerspell.loading.augment import augment as change
from fingerspell.loading.backgrounds import Backgrounds, backgrounds_of
from fingerspell.loading.sampling import EVERY_PICTURE, Deck, make_deck
from fingerspell.machine import reading_threads

# Importing Grain without JAX warns that a profiler is missing, which concerns nobody here.
_absl = logging.getLogger("absl")
_level = _absl.level
_absl.setLevel(logging.ERROR)
import grain  # noqa: E402
from grain.experimental import index_shuffle  # noqa: E402

_absl.setLevel(_level)

_THREADS = reading_threads()

_Element = tuple[NDArray[Any], int, float]
"""A picture, uint8 or float32 (h, w, 3), its label's place and its weight."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Pictures (B, h, w, 3) in [0, 1], one-hot labels (B, C), weights (B,)."""


@dataclass(frozen=True, slots=True)
class _Load:
    """File → changed picture; the element before it is (path, label index, weight)."""

    size_px: tuple[int, int]
    augment: AugmentConfig | None
    behind: Backgrounds

    def __call__(self, element: tuple[Path, int, float], rng: np.random.Generator) -> _Element:
        path, target, weight = element
        rgb = read(path)
        if self.augment is None:
            return fit(rgb, self.size_px), target, weight
        return change(rgb, self.size_px, self.augment, rng, self.behind), target, weight


def training_stream(
    manifest: Manifest,
    samples: Sequence[Sample],
    labels: Sequence[str],
    size_px: tuple[int, int],
    batch_size: int,
    augment: AugmentConfig | None,
    seed: int,
    class_weights: Sequence[float] | NDArray[np.float32] | None = None,
    *,
    sampling: SamplingConfig = EVERY_PICTURE,
    first_batch: int = 0,
    part: tuple[int, int] = (0, 1),
    threads: int = _THREADS,
) -> grain.IterDataset[Batch]:
    """Returns an endless stream of `Batch`, shuffled anew each epoch, never short.

    An epoch is the deck that `sampling` makes of the samples (see `fingerspell.loading.sampling`).
    `class_weights` is in the order of `labels`; every element carries its class's. `first_batch`
    skips that many batches at no cost (to resume). `augment=None` only fits the pictures.
    `part=(k, n)` gives rows k*b to (k+1)*b of every batch, b = batch_size / n: process k's share
    of a batch that n processes learn from together.
    """
    index = {label: i for i, label in enumerate(labels)}
    weights = np.ones(len(labels)) if class_weights is None else np.asarray(class_weights)
    elements = [
        (manifest.absolute(s), index[s.label], float(weights[index[s.label]])) for s in samples
    ]
    sample_at = _shuffled(make_deck(samples, sampling, seed), seed)
    to_element = _Load((size_px[0], size_px[1]), augment, backgrounds_of(manifest, samples))
    rows = _rows(batch_size, part)

    def element(place: int) -> _Element:
        rng = np.random.Generator(np.random.SFC64((seed, place)))
        return to_element(elements[sample_at(place)], rng)

    def batch(number: int) -> Batch:
        return _batch([element(number * batch_size + row) for row in rows], len(labels))

    # A thread makes whole batches: handing over each picture costs a tenth of making it.
    return (
        grain.MapDataset.range(first_batch, sys.maxsize)
        .map(batch)
        .to_iter_dataset(_read_options(threads + 1, threads))
    )


def _shuffled(deck: Deck, seed: int) -> Callable[[int], int]:
    """Returns which sample comes at each place of all epochs together, each epoch shuffled anew.

    Grain's own `shuffle()` asks the same function, but takes 18 µs a picture around it.
    """
    # The prefetching threads stand in two epochs at most.
    epoch = functools.lru_cache(maxsize=2)(deck.epoch)
    first = int(np.random.SeedSequence((seed, 1)).generate_state(1)[0])

    def sample_at(place: int) -> int:
        number, position = divmod(place, deck.length)
        chosen = index_shuffle(
            position, max_index=deck.length - 1, seed=(first + number) % 2**32, rounds=4
        )
        return int(epoch(number)[chosen])

    return sample_at


def _rows(batch_size: int, part: tuple[int, int]) -> range:
    """Returns the rows of every batch that belong to process `part[0]` of `part[1]`."""
    process, processes = part
    require(
        0 <= process < processes and batch_size % processes == 0,
        found=f"batch_size={batch_size} for part {process} of {processes}",
        expected="a batch that divides evenly among the processes, which count from 0",
        fix=f"use --batch_size {max(1, batch_size // max(1, processes)) * max(1, processes)}",
    )
    share = batch_size // processes
    return range(process * share, (process + 1) * share)


def labelled_stream(
    manifest: Manifest,
    samples: Sequence[Sample],
    labels: Sequence[str],
    size_px: tuple[int, int],
    batch_size: int,
    *,
    augment: AugmentConfig | None = None,
    seed: int = 0,
    threads: int = _THREADS,
) -> grain.IterDataset[Batch]:
    """Returns one pass of `Batch` in the order of `samples`, weights 1.

    It can be iterated again and again, and is the same every time; the last batch may be short.
    `augment=None` only fits the pictures; otherwise picture i is changed as (seed, i) says.
    """
    index = {label: i for i, label in enumerate(labels)}
    elements = [(manifest.absolute(s), index[s.label], 1.0) for s in samples]
    behind = Backgrounds() if augment is None else backgrounds_of(manifest, samples)
    to_element = _Load((size_px[0], size_px[1]), augment, behind)

    def element(number: int) -> _Element:
        return to_element(elements[number], np.random.Generator(np.random.SFC64((seed, number))))

    pictures = grain.MapDataset.range(len(elements)).map(element)
    return pictures.to_iter_dataset(_read_options(2 * batch_size, threads)).batch(
        batch_size, drop_remainder=False, batch_fn=lambda parts: _batch(parts, len(labels))
    )


def evaluation_stream(
    paths: Sequence[Path], size_px: tuple[int, int], batch_size: int, *, threads: int = _THREADS
) -> Iterator[NDArray[np.float32]]:
    """Yields float32 (≤ batch_size, h, w, 3) in the order of `paths`, never augmented."""
    if not paths:
        return
    pictures = grain.MapDataset.source(list(paths)).map(lambda path: fit(read(path), size_px))
    yield from pictures.to_iter_dataset(_read_options(2 * batch_size, threads)).batch(
        batch_size, drop_remainder=False, batch_fn=lambda parts: np.stack(parts)
    )


def _read_options(ahead: int, threads: int) -> grain.ReadOptions:
    # Grain's threads use the cores already; OpenCV's own would compete with them.
    cv2.setNumThreads(1)
    return grain.ReadOptions(num_threads=threads, prefetch_buffer_size=ahead)


def _batch(parts: Sequence[_Element], classes: int) -> Batch:
    pictures = np.stack([picture for picture, _, _ in parts], dtype=np.float32, casting="unsafe")
    if parts[0][0].dtype == np.uint8:
        pictures /= np.float32(255)
    targets = np.eye(classes, dtype=np.float32)[[target for _, target, _ in parts]]
    return pictures, targets, np.asarray([weight for _, _, weight in parts], np.float32)
