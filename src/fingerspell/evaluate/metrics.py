"""Classification metrics and confidence intervals of an accuracy.

Throughout: `y_true` int (N,), `probabilities` float (N, C), `labels` the C names in order.
A class without pictures has no accuracy, precision, recall or F1: these are None, never 0, and
such a class is left out of every mean over classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import DataError

Ints = NDArray[np.intp]
Floats = NDArray[np.floating[Any]]
_Z95 = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClassScore:
    """One class. `accuracy` is the share of its own pictures named rightly, which is its recall.

    None where there is nothing to divide by: no pictures of the class (all), or, for `precision`
    alone, pictures that were never named so.
    """

    support: int
    accuracy: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Confusion:
    """`count` pictures of `truth` were named `answer`; `share` of all pictures of `truth`."""

    truth: str
    answer: str
    count: int
    share: float


def check(y_true: Ints, probabilities: Floats, labels: Sequence[str]) -> None:
    """Raises `DataError` unless the three fit together."""
    shape = (len(y_true), len(labels))
    if np.shape(probabilities) != shape:
        raise DataError(
            found=f"probabilities of shape {np.shape(probabilities)}",
            expected=f"{shape}: one row a picture, one column a label",
            fix="pass the labels in the order the recogniser was trained with",
        )
    if len(y_true) and not (int(np.min(y_true)) >= 0 and int(np.max(y_true)) < len(labels)):
        raise DataError(
            found=f"class numbers from {np.min(y_true)} to {np.max(y_true)}",
            expected=f"0 to {len(labels) - 1}",
            fix="number the classes by the recogniser's labels",
        )
    if not np.isfinite(probabilities).all():
        raise DataError(
            found="probabilities that are not numbers",
            expected="finite probabilities",
            fix="train with a smaller learning rate: the network has diverged",
        )


def accuracy(y_true: Ints, probabilities: Floats) -> float | None:
    """Returns the share of pictures whose top class is right; None without pictures."""
    return float(np.mean(np.argmax(probabilities, axis=1) == y_true)) if len(y_true) else None


def guessing(y_true: Ints, probabilities: Floats) -> dict[str, Any]:
    """Returns the accuracy of guessing, and whether a network is suspected of doing no better.

    Guessing is naming the most frequent class each time. With its accuracy g and the network's a,
    of which l is the lower 95 % bound (Wilson), it is suspected where

        a < g + (1 - g) / 20   or   (l <= g and a < (1 + g) / 2)

    `accuracy` is None without pictures; then nothing is suspected.
    """
    found, level = accuracy(y_true, probabilities), None
    suspected = False
    if found is not None and (interval := wilson(round(found * len(y_true)), len(y_true))):
        level = float(np.bincount(y_true).max() / len(y_true))
        unsure = interval[0] <= level and found < (1 + level) / 2
        suspected = unsure or found < level + (1 - level) / 20
    return {"accuracy": level, "suspected": bool(suspected)}


def subset_accuracy(
    y_true: Ints, probabilities: Floats, labels: Sequence[str], chosen: Sequence[str]
) -> tuple[float | None, int]:
    """Returns accuracy over the pictures of the chosen classes, and how many there are.

    Any of the C outputs may win: a letter answered with `nothing` is wrong.
    """
    wanted = set(chosen)
    held = np.isin(y_true, [i for i, label in enumerate(labels) if label in wanted])
    return accuracy(y_true[held], probabilities[held]), int(held.sum())


def confusion_matrix(y_true: Ints, answers: Ints, classes: int) -> NDArray[np.int64]:
    """Returns counts (C, C): row = true class, column = answer."""
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (y_true, answers), 1)
    return matrix


def class_scores(matrix: NDArray[np.int64]) -> tuple[_ClassScore, ...]:
    """Returns one score a class of a confusion matrix, in label order."""
    return tuple(
        _class_score(int(matrix[i, i]), int(matrix[i].sum()), int(matrix[:, i].sum()))
        for i in range(len(matrix))
    )


def macro_f1(scores: Sequence[_ClassScore]) -> float | None:
    """Returns the mean F1 of the classes that have pictures; None where none has."""
    held = [score.f1 for score in scores if score.f1 is not None]
    return float(np.mean(held)) if held else None


def top_confusions(
    matrix: NDArray[np.int64], labels: Sequence[str], count: int = 10
) -> tuple[_Confusion, ...]:
    """Returns the most frequent mistakes, largest first, ties in label order."""
    support = matrix.sum(axis=1)
    wrong = [(i, j) for i, j in np.argwhere(matrix > 0) if i != j]
    wrong.sort(key=lambda pair: (-int(matrix[pair]), pair))
    return tuple(
        _Confusion(
            truth=labels[i],
            answer=labels[j],
            count=int(matrix[i, j]),
            share=float(matrix[i, j] / support[i]),
        )
        for i, j in wrong[:count]
    )


def acceptance(y_true: Ints, probabilities: Floats, threshold: float) -> dict[str, float | None]:
    """Returns coverage and accuracy at a threshold.

    `coverage`: share of pictures whose top probability reaches it; `accuracy`: of those (None
    where none reaches it).
    """
    accepted = np.max(probabilities, axis=1) >= threshold if len(y_true) else np.zeros(0, bool)
    return {
        "threshold": threshold,
        "coverage": float(accepted.mean()) if len(y_true) else None,
        "accuracy": accuracy(y_true[accepted], probabilities[accepted]),
    }


def wilson(hits: int, count: int, z: float = _Z95) -> tuple[float, float] | None:
    """Returns Wilson's score interval of a share; None for no trials.

        (p + z²/2n ± z √(p (1-p)/n + z²/4n²)) / (1 + z²/n)

    It takes the pictures for independent. Frames of one video are not: see `cluster_bootstrap`.
    Reference: E. B. Wilson, Probable Inference, JASA 22 (1927).
    """
    if count == 0:
        return None
    share, squared = hits / count, z * z / count
    centre = share + squared / 2
    half_width = z * np.sqrt(share * (1 - share) / count + squared / (4 * count))
    low, high = (centre - half_width) / (1 + squared), (centre + half_width) / (1 + squared)
    return max(0.0, float(low)), min(1.0, float(high))


def cluster_bootstrap(
    right: NDArray[np.bool_], groups: Sequence[str], *, rounds: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """Returns the percentile bootstrap interval of the accuracy, resampling whole groups.

    A group is a signer, a source or a run of near-duplicate frames: its pictures stand or fall
    together, and drawing single pictures would claim a certainty that is not there. None for
    fewer than two groups, which say nothing about how groups differ.
    """
    _, number = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    count = int(number.max()) + 1 if len(number) else 0
    if count < 2:
        return None
    hits = np.bincount(number, weights=right, minlength=count)
    sizes = np.bincount(number, minlength=count)
    resampled = np.random.default_rng(seed).integers(0, count, (rounds, count))
    shares = hits[resampled].sum(axis=1) / sizes[resampled].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _class_score(hits: int, support: int, named: int) -> _ClassScore:
    if not support:
        return _ClassScore(support=0, accuracy=None, precision=None, recall=None, f1=None)
    return _ClassScore(
        support=support,
        accuracy=hits / support,
        precision=hits / named if named else None,
        recall=hits / support,
        f1=2 * hits / (support + named),
    )
