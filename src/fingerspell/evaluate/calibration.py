"""Calibration and rejection: temperature, calibration error, acceptance threshold, risk-coverage.

The temperature makes confidences match accuracies. The threshold is fitted as low as possible, so
that many answers are accepted, and so high that the accepted ones are right often enough.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.evaluate.metrics import Floats, Ints

_BINS = 15
_TEMPERATURES = (0.05, 20.0)
TINY = 1e-12

LEAST_RIGHT = 0.97
"""The share of accepted answers that must be right."""

_LEAST_ACCEPTED = 100
"""So few accepted pictures prove no threshold: one mistake more would be a percentage point."""

_COVERAGES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)

NOBODY = -1
"""The true class of a picture that shows none: every answer to it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A threshold; of the pictures it was fitted on it accepts `coverage`, `accuracy` of it right.

    Both are weighted shares; `pictures` is how many it accepts.
    """

    threshold: float
    coverage: float
    accuracy: float
    pictures: int


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
    low, high = np.log(_TEMPERATURES)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = (_loss_at(y_true, probabilities, at) for at in (left, right))
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


def apply_temperature(probabilities: Floats, temperature: float) -> NDArray[np.float64]:
    """Returns softmax(ln p / T): the same as dividing the logits that made p by T.

    Of probabilities (N, V, C), those of V views of each picture, it is the views' mean (N, C).
    """
    scaled = np.log(np.maximum(probabilities.astype(np.float64), TINY)) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    raised = np.exp(scaled)
    softened = np.asarray(raised / raised.sum(axis=-1, keepdims=True))
    return softened if softened.ndim == 2 else np.asarray(softened.mean(axis=1))


def log_loss(y_true: Ints, probabilities: Floats) -> float:
    """Returns the mean of −ln p(true class)."""
    chosen = probabilities[np.arange(len(y_true)), y_true]
    return float(-np.log(np.maximum(chosen, TINY)).mean())


def bins(y_true: Ints, probabilities: Floats, count: int = _BINS) -> list[dict[str, float | int]]:
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
    y_true: Ints, probabilities: Floats, count: int = _BINS
) -> float | None:
    """Returns Σ share of bin × |accuracy − confidence|; None without pictures.

    Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    filled = bins(y_true, probabilities, count)
    if not filled:
        return None
    gaps = [b["pictures"] * abs(b["accuracy"] - b["confidence"]) for b in filled]
    return float(sum(gaps) / len(y_true))


def fit_threshold(
    y_true: Ints,
    probabilities: Floats,
    weights: Floats | None = None,
    least_right: float = LEAST_RIGHT,
) -> _Fitted | None:
    """Returns the lowest threshold at which `least_right` of the accepted answers are right.

    `y_true` may be `NOBODY`. `weights` (N,) says how much a picture counts (1 each). Fit it on
    pictures that neither trained the network nor test it. None where no threshold does it, or
    only one that accepts too few pictures to tell.
    """
    good = [x for x in _possible(y_true, probabilities, weights) if x.accuracy >= least_right]
    return good[-1] if good else None


def surest_threshold(
    y_true: Ints, probabilities: Floats, weights: Floats | None = None
) -> _Fitted | None:
    """Returns the threshold at which accepted answers are right most often, the lowest of equals.

    For a network that no threshold makes right often enough; arguments and None as above.
    """
    possible = _possible(y_true, probabilities, weights)
    return max(reversed(possible), key=lambda one: one.accuracy, default=None)


def risk_coverage(y_true: Ints, probabilities: Floats) -> list[dict[str, float]]:
    """Returns how right the surest answers are: `{coverage, threshold, accuracy}`, all first.

    The surest `coverage` of the pictures have at least the confidence `threshold`. Reference:
    El-Yaniv & Wiener, On the Foundations of Noise-free Selective Classification, JMLR 2010.
    """
    if len(y_true) == 0:
        return []
    right, confidence = _sorted(y_true, probabilities)
    counts = [max(1, math.floor(share * len(right))) for share in _COVERAGES]
    return [
        {
            "coverage": share,
            "threshold": float(confidence[count - 1]),
            "accuracy": float(right[:count].mean()),
        }
        for share, count in zip(_COVERAGES, counts, strict=True)
    ]


def _loss_at(y_true: Ints, probabilities: Floats, log_temperature: float) -> float:
    return log_loss(y_true, apply_temperature(probabilities, float(np.exp(log_temperature))))


def _possible(y_true: Ints, probabilities: Floats, weights: Floats | None) -> list[_Fitted]:
    """Returns every threshold that accepts pictures enough to tell, the highest first."""
    if len(y_true) == 0:
        return []
    right, confidence = _sorted(y_true, probabilities)
    order = _order(probabilities)
    weight = np.ones(len(y_true)) if weights is None else np.asarray(weights, np.float64)[order]
    accepted = np.cumsum(weight)
    accuracy = np.cumsum(weight * right) / accepted
    # A threshold cannot part equal confidences: it takes all of them, or none.
    last = np.append(confidence[:-1] != confidence[1:], True)
    enough = np.arange(1, len(right) + 1) >= _LEAST_ACCEPTED
    return [
        _Fitted(
            threshold=float(confidence[end]),
            coverage=float(accepted[end] / accepted[-1]),
            accuracy=float(accuracy[end]),
            pictures=int(end) + 1,
        )
        for end in np.flatnonzero(last & enough)
    ]


def _order(probabilities: Floats) -> NDArray[np.intp]:
    return np.argsort(-probabilities.max(axis=1), kind="stable")


def _sorted(y_true: Ints, probabilities: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Returns whether each answer is right and how sure it is, the surest first."""
    order = _order(probabilities)
    right = probabilities.argmax(axis=1) == y_true
    return right[order], probabilities.max(axis=1)[order]
