"""Whether 70 % means 70 %: expected calibration error, and the temperature that mends it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]

BINS = 15
TEMPERATURES = (0.05, 20.0)
TINY = 1e-12


def bins(y_true: Ints, probabilities: Floats, count: int = BINS) -> list[dict[str, float | int]]:
    """Returns the filled confidence bins: `{low, high, pictures, confidence, accuracy}`."""
    if len(y_true) == 0:
        return []
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    number = np.minimum((confidence * count).astype(int), count - 1)
    return [
        {
            "low": index / count,
            "high": (index + 1) / count,
            "pictures": int((number == index).sum()),
            "confidence": float(confidence[number == index].mean()),
            "accuracy": float(right[number == index].mean()),
        }
        for index in np.unique(number).tolist()
    ]


def expected_calibration_error(
    y_true: Ints, probabilities: Floats, count: int = BINS
) -> float | None:
    """Returns Σ share of bin × |accuracy − confidence|; None without pictures.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    filled = bins(y_true, probabilities, count)
    if not filled:
        return None
    gaps = [b["pictures"] * abs(b["accuracy"] - b["confidence"]) for b in filled]
    return float(sum(gaps) / len(y_true))


def log_loss(y_true: Ints, probabilities: Floats) -> float:
    """Returns the mean of −ln p(true class)."""
    chosen = probabilities[np.arange(len(y_true)), y_true]
    return float(-np.log(np.maximum(chosen, TINY)).mean())


def apply_temperature(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """Returns softmax(ln p / T): the same as dividing the logits that made p by T.

    Of probabilities (N, V, C), those of V views of each picture, it is the views' mean (N, C).
    """
    scaled = np.log(np.maximum(probabilities.astype(np.float64), TINY)) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    raised = np.exp(scaled)
    softened = np.asarray(raised / raised.sum(axis=-1, keepdims=True))
    return softened if softened.ndim == 2 else np.asarray(softened.mean(axis=1))


def fit_temperature(probabilities: Floats, y_true: Ints, tolerance: float = 1e-4) -> float:
    """Returns the temperature with the least log loss on validation pictures.

    `probabilities` (N, C), or (N, V, C) where the answer is the mean of V views. Golden-section
    search on ln T over [0.05, 20]: with one view the loss has one minimum in 1/T. Above 1 softens
    an over-confident network. 1 without pictures. Fit it on pictures that neither trained the
    network nor test it.
    """
    if len(y_true) == 0:
        return 1.0
    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(TEMPERATURES)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = (
        _loss_at(y_true, probabilities, left),
        _loss_at(y_true, probabilities, right),
    )
    while high - low > tolerance:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = _loss_at(y_true, probabilities, left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = _loss_at(y_true, probabilities, right)
    return float(np.exp((low + high) / 2))


def _loss_at(y_true: Ints, probabilities: Floats, log_temperature: float) -> float:
    return log_loss(y_true, apply_temperature(probabilities, float(np.exp(log_temperature))))
