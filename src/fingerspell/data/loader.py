"""Pictures in batches, on Grain: threads, not processes, and the same stream on every backend.

Element i of a training stream is a pure function of (seed, i): which picture it is and how it is
changed. A run that is resumed at step s continues exactly as if it had never stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fingerspell.config import AugmentConfig
from fingerspell.data.augment import augment as change
from fingerspell.data.manifest import Manifest, Sample
from fingerspell.images import fit, read

# Importing Grain without JAX warns that a profiler is missing, which nobody here asked for.
_absl = logging.getLogger("absl")
_level = _absl.level
_absl.setLevel(logging.ERROR)
import grain  # noqa: E402

_absl.setLevel(_level)

THREADS = 2
"""Enough to keep two cores busy: decoding and warping release Python's lock."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]
"""Pictures (B, h, w, 3) in [0, 1], one-hot labels (B, C), weights (B,)."""


@dataclass(frozen=True, slots=True)
class _Load:
    """File → changed picture; the element before it is (path, label index, weight)."""

    size_px: tuple[int, int]
    augment: AugmentConfig | None

    def __call__(
        self, element: tuple[Path, int, float], rng: np.random.Generator
    ) -> tuple[NDArray[Any], int, float]:
        path, target, weight = element
        rgb = read(path)
        if self.augment is None:
            return fit(rgb, self.size_px), target, weight
        # Kept as bytes until the batch is built: a quarter of the memory in the queue.
        return change(rgb, self.size_px, self.augment, rng), target, weight


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
    first_batch: int = 0,
    threads: int = THREADS,
) -> grain.IterDataset[Batch]:
    """Returns an endless stream of `Batch`, shuffled anew each pass, never short.

    `class_weights` is in the order of `labels`; every element carries its class's. `first_batch`
    skips that many batches at no cost (to resume). `augment=None` only fits the pictures.
    """
    index = {label: i for i, label in enumerate(labels)}
    weights = np.ones(len(labels)) if class_weights is None else np.asarray(class_weights)
    elements = [
        (manifest.absolute(s), index[s.label], float(weights[index[s.label]])) for s in samples
    ]
    endless = grain.MapDataset.source(elements).seed(seed).shuffle().repeat(None)
    stream = endless.random_map(_Load((size_px[0], size_px[1]), augment))
    if first_batch:
        stream = stream[first_batch * batch_size :]
    classes = len(labels)
    return stream.to_iter_dataset(_read_options(batch_size, threads)).batch(
        batch_size, drop_remainder=True, batch_fn=lambda parts: _batch(parts, classes)
    )


def labelled_stream(
    manifest: Manifest,
    samples: Sequence[Sample],
    labels: Sequence[str],
    size_px: tuple[int, int],
    batch_size: int,
    *,
    threads: int = THREADS,
) -> grain.IterDataset[Batch]:
    """Returns one pass of `Batch` in the order of `samples`, never augmented, weights 1.

    It can be iterated again and again; the last batch may be short.
    """
    index = {label: i for i, label in enumerate(labels)}
    elements = [(manifest.absolute(s), index[s.label]) for s in samples]

    def load(element: tuple[Path, int]) -> tuple[NDArray[Any], int, float]:
        return fit(read(element[0]), size_px), element[1], 1.0

    pictures = grain.MapDataset.source(elements).map(load)
    return pictures.to_iter_dataset(_read_options(batch_size, threads)).batch(
        batch_size, drop_remainder=False, batch_fn=lambda parts: _batch(parts, len(labels))
    )


def evaluation_stream(
    paths: Sequence[Path], size_px: tuple[int, int], batch_size: int, *, threads: int = THREADS
) -> Iterator[NDArray[np.float32]]:
    """Yields float32 (≤ batch_size, h, w, 3) in the order of `paths`, never augmented."""
    if not paths:
        return
    pictures = grain.MapDataset.source(list(paths)).map(lambda path: fit(read(path), size_px))
    yield from pictures.to_iter_dataset(_read_options(batch_size, threads)).batch(
        batch_size, drop_remainder=False, batch_fn=lambda parts: np.stack(parts)
    )


def _read_options(batch_size: int, threads: int) -> grain.ReadOptions:
    # The pictures are spread over threads already; OpenCV's own would only fight with them.
    cv2.setNumThreads(1)
    return grain.ReadOptions(num_threads=threads, prefetch_buffer_size=2 * batch_size)


def _batch(parts: Sequence[tuple[NDArray[Any], int, float]], classes: int) -> Batch:
    pictures = np.stack([picture for picture, _, _ in parts])
    if pictures.dtype == np.uint8:
        pictures = pictures.astype(np.float32) / np.float32(255)
    targets = np.eye(classes, dtype=np.float32)[[target for _, target, _ in parts]]
    return pictures, targets, np.asarray([weight for _, _, weight in parts], np.float32)
