"""From which probability on an answer is believed: fitted where a finished network is validated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.evaluate.acceptance import LEAST_RIGHT, NOBODY, fit_threshold
from fingerspell.synth import draw

OUTSIDERS = ("3", "4", "5", "7", "8")
"""Hands that are no letter. The other digits look like one: 0 O, 1 D, 2 V, 6 W, 9 F."""

OUTSIDERS_EACH = 20
OUTSIDERS_SHARE = 0.1
"""How much of what a camera sees they are taken to be."""

MOST = 0.99
"""A recogniser that asks for more would never answer."""

NOTHING = "nothing"


def outsiders(labels: Sequence[str], size_px: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Draws hands that show none of `labels`: float32 (N, h, w, 3) in [0, 1]; N may be 0."""
    signs = [sign for sign in OUTSIDERS if sign not in labels]
    rows = [draw(x, seed + i, size_px).rgb for x in signs for i in range(OUTSIDERS_EACH)]
    if not rows:
        return np.zeros((0, *size_px, 3), np.float32)
    return np.stack(rows).astype(np.float32) / np.float32(255)


def choose_threshold(
    y_true: NDArray[np.intp],
    probabilities: NDArray[np.floating[Any]],
    strange: NDArray[np.floating[Any]],
    labels: Sequence[str],
    least: float,
) -> dict[str, Any]:
    """Returns the threshold to ship, and what it was fitted on.

    `probabilities` (N, C) are the calibrated answers to validation pictures, `strange` (M, C)
    those to hands outside the alphabet, which weigh a tenth of all and for which only `nothing`
    is right. The fitted threshold keeps `LEAST_RIGHT` of the accepted answers right. It is
    raised to `least`, which also stands where none can be fitted: validation pictures show the
    people of the training, of whom a network is surer than of strangers.
    """
    unknown = labels.index(NOTHING) if NOTHING in labels else NOBODY
    weight = OUTSIDERS_SHARE / (1 - OUTSIDERS_SHARE) * len(y_true) / max(1, len(strange))
    fitted = fit_threshold(
        np.concatenate([y_true, np.full(len(strange), unknown, np.intp)]),
        np.concatenate([probabilities, strange]),
        np.concatenate([np.ones(len(y_true)), np.full(len(strange), weight)]),
    )
    return {
        "threshold": least if fitted is None else min(max(least, fitted.threshold), MOST),
        "least": least,
        "fitted": None if fitted is None else fitted.threshold,
        "right": LEAST_RIGHT,
        "coverage": None if fitted is None else fitted.coverage,
        "pictures": len(y_true),
        "outsiders": len(strange),
    }
