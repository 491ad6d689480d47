"""`Answer`, and `Predictor`: the interface of every recogniser."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import PictureError
from fingerspell.images import Picture, Pixels, decode, read
from fingerspell.runtime.hand import Hand

Batch = NDArray[np.float32]
"""float32 (N, H, W, 3) RGB in [0, 1], as `images.fit` makes it."""

Probabilities = NDArray[np.float32]
"""float32 (labels,) or (N, labels), in label order; a row adds up to 1."""

_RANGE_SLACK = 1e-3
"""How far resampling may overshoot [0, 1]."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a recogniser says about one picture.

    `label` is the most probable class and `confidence` its probability in [0, 1]. `accepted` is
    False where the confidence is below the recogniser's threshold: then treat the label as a
    guess. `probabilities` is float32 (labels,), in the order of `labels`.
    """

    label: str
    confidence: float
    accepted: bool
    probabilities: Probabilities
    labels: tuple[str, ...]

    def top(self, count: int) -> tuple[tuple[str, float], ...]:
        """Returns the `count` most probable (label, probability) pairs, best first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return tuple((self.labels[i], float(self.probabilities[i])) for i in order)


class Predictor(Protocol):
    """Anything that recognises handshapes: the trained recogniser or the mock."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in prediction order."""

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of the network's input."""

    @property
    def threshold(self) -> float:
        """The probability from which an answer is accepted."""

    @property
    def name(self) -> str:
        """What to call it in a report."""

    @property
    def mock(self) -> bool:
        """Whether this is the mock, which has learnt nothing."""

    def probabilities(self, batch: Batch) -> Probabilities:
        """Returns float32 (N, labels) for a batch."""

    def recognise(self, picture: Picture) -> Answer:
        """Returns the answer for one picture of any size: path, encoded bytes or RGB uint8."""

    def watch(self, picture: Picture) -> tuple[Probabilities, Hand | None]:
        """Returns the probabilities (labels,) of one picture, and its hand if known."""


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
    if not (low >= -_RANGE_SLACK and high <= 1 + _RANGE_SLACK):  # also refuses NaN
        raise PictureError(
            found=f"pixels from {low:g} to {high:g}",
            expected="pixels from 0 to 1",
            fix="divide bytes by 255 once, or use fingerspell.images.fit",
        )


def pixels_of(picture: Picture) -> Pixels:
    """Returns uint8 (H, W, 3) RGB of a path, of an encoded file's bytes, or of decoded pixels.

    Files are turned upright by their EXIF tag. Raises `PictureError` for a file that is missing or
    no picture, and for an array of another dtype or shape.
    """
    if isinstance(picture, str | Path):
        return read(Path(picture))
    if isinstance(picture, bytes | bytearray | memoryview):
        return decode(bytes(picture))
    shape, kind = getattr(picture, "shape", None), getattr(picture, "dtype", None)
    if kind != np.uint8 or shape is None or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        found = type(picture).__name__ if kind is None else f"an array of {kind} {shape}"
        raise PictureError(
            found=found,
            expected="a path, encoded bytes, or uint8 (H, W, 3) RGB of at least one pixel",
            fix="pass the file itself, or decode it with fingerspell.images.decode",
        )
    return picture
