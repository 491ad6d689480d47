"""Letters that a still cannot tell apart, because one of them is a movement: I and J, D and Z."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from fingerspell.labels import LETTERS
from fingerspell.labels import NOTHING

PAIRS = (("I", "J"), ("D", "Z"))
"""A letter, and the movement whose still looks like it."""


def named(labels: Sequence[str], read: np.ndarray) -> np.ndarray:
    """Returns the label (N,) that each of the answers (N, C) names."""
    return np.array(labels)[read.argmax(axis=1)]


def pairs(truth: np.ndarray, answer: np.ndarray) -> dict[str, dict[str, Any]]:
    """Returns how each of `PAIRS` is read of which a letter is shown; both are labels (N,)."""
    return {
        "/".join(letters): one_pair(truth, answer, letters)
        for letters in PAIRS
        if np.isin(truth, letters).any()
    }


def one_pair(truth: np.ndarray, answer: np.ndarray, letters: tuple[str, str]) -> dict[str, Any]:
    """Returns how the pictures of two letters are read.

    `right`: the share answered as the true letter; `either`: as one of the two, which is what can
    be known from a still. Of each letter's own pictures `recall` are answered as it and `as_other`
    as the other of the two, both None where the letter is not shown.
    """
    shown = np.isin(truth, letters)
    truth, answer = truth[shown], answer[shown]

    def share(of: str, called: str) -> float | None:
        own = answer[truth == of]
        return float((own == called).mean()) if len(own) else None

    return {
        "pictures": len(truth),
        "right": float((answer == truth).mean()),
        "either": float(np.isin(answer, letters).mean()),
        "recall": {letter: share(letter, letter) for letter in letters},
        "as_other": {
            of: share(of, other) for of, other in zip(letters, letters[::-1], strict=True)
        },
    }


def pairs_mean(sources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the mean of each pair over the sources that show both of its letters.

    A source of I alone would count every I that is right, and no J that can only be guessed.
    """
    means = {}
    for letters in PAIRS:
        found = [s["pairs"].get("/".join(letters)) for s in sources.values()]
        both = [pair for pair in found if pair and None not in pair["recall"].values()]
        if both:
            means["/".join(letters)] = {
                "sources": len(both),
                **{key: statistics.fmean(x[key] for x in both) for key in ("right", "either")},
                **{
                    key: {of: statistics.fmean(x[key][of] for x in both) for of in letters}
                    for key in ("recall", "as_other")
                },
            }
    return means


def answered_as(answer: np.ndarray) -> dict[str, float]:
    """Returns the shares of labels (N,) that are D, Z, another letter, and `nothing`.

    What is left to 1 are `del` and `space`.
    """
    others = [letter for letter in LETTERS if letter not in ("D", "Z")]
    return {
        "D": float((answer == "D").mean()),
        "Z": float((answer == "Z").mean()),
        "other_letters": float(np.isin(answer, others).mean()),
        "nothing": float((answer == NOTHING).mean()),
    }
