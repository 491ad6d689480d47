"""What a recogniser answers, and the interface that every recogniser has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import PictureError
from fingerspell.images import Pixels

Batch = NDArray[np.float32]
"""float32 (N, H, W, 3) RGB in [0, 1], as `images.fit` makes it."""

Probabilities = NDArray[np.float32]
"""float32 (labels,) or (N, labels), in label order; a row adds up to 1."""

RANGE_SLACK = 1e-3
"""How far resampling may overshoot [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The best label of one picture; `accepted` says that it reaches the threshold."""

    label: str
    confidence: float
    accepted: bool
    probabilities: Probabilities
    labels: tuple[str, ...]

    def top(self, count: int) -> tuple[tuple[str, float], ...]:
        """Returns the `count` likeliest (label, probability), best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return tuple((self.labels[i], float(self.probabilities[i])) for i in order)


class Predictor(Protocol):
    """Anything that reads handshapes: the real recogniser or its stand-in."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in prediction order."""
        ...

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of the network's input."""
        ...

    @property
    def threshold(self) -> float:
        """The probability from which an answer is accepted."""
        ...

    @property
    def name(self) -> str:
        """What to call it in a report."""
        ...

    @property
    def mock(self) -> bool:
        """Whether this is a stand-in that has learnt nothing."""
        ...

    def probabilities(self, batch: Batch) -> Probabilities:
        """Returns float32 (N, labels) for a batch."""
        ...

    def recognise(self, rgb: Pixels) -> Answer:
        """Returns the answer for one decoded picture of any size."""
        ...


def answer(probabilities: Probabilities, labels: Sequence[str], threshold: float) -> Answer:
    """Returns the answer that one row of probabilities gives."""
    best = int(np.argmax(probabilities))
    confidence = min(float(probabilities[best]), 1.0)  # a softmax may round to just above 1
    return Answer(labels[best], confidence, confidence >= threshold, probabilities, tuple(labels))


def check_batch(batch: Batch, size_px: tuple[int, int]) -> None:
    """Raises `PictureError` unless a batch has the network's shape, type and range."""
    shape, kind = getattr(batch, "shape", None), getattr(batch, "dtype", type(batch).__name__)
    if kind != np.float32 or shape is None or len(shape) != 4 or shape[1:] != (*size_px, 3):
        raise PictureError(
            found=f"a batch of {kind} {shape}",
            expected=f"float32 (N, {size_px[0]}, {size_px[1]}, 3)",
            fix="make each picture with fingerspell.images.load and stack them",
        )
    low, high = (float(batch.min()), float(batch.max())) if batch.size else (0.0, 1.0)
    if not (low >= -RANGE_SLACK and high <= 1 + RANGE_SLACK):  # also refuses NaN
        raise PictureError(
            found=f"pixels from {low:g} to {high:g}",
            expected="pixels from 0 to 1",
            fix="divide bytes by 255 once, or use fingerspell.images.fit",
        )


def check_pixels(rgb: Pixels) -> None:
    """Raises `PictureError` unless an array is a decoded picture."""
    shape, kind = getattr(rgb, "shape", None), getattr(rgb, "dtype", type(rgb).__name__)
    good = kind == np.uint8 and shape is not None and len(shape) == 3 and shape[2] == 3
    if not good or 0 in rgb.shape:
        raise PictureError(
            found=f"an array of {kind} {shape}",
            expected="uint8 (H, W, 3) RGB, at least one pixel",
            fix="decode the picture with fingerspell.images.decode",
        )
