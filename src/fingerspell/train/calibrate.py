"""How far a finished network is believed: temperature and threshold, fitted on hard pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.config import AugmentConfig
from fingerspell.evaluate.calibration import (
    LEAST_RIGHT,
    NOBODY,
    apply_temperature,
    fit_temperature,
    fit_threshold,
    log_loss,
    surest_threshold,
)
from fingerspell.model import fold_temperature, views_network
from fingerspell.synth import draw
from fingerspell.train.memory import patiently
from fingerspell.train.phases import validation_stream
from fingerspell.train.session import Run
from fingerspell.train.synthetic import NOTHING, SYNTHETIC_SIGNS

OUTSIDERS = ("4", "7")
"""Hands that are no letter, and that training does not show as `nothing`."""

OUTSIDERS_EACH = 50
OUTSIDERS_SHARE = 0.1
"""How much of what a camera sees they are taken to be."""

MOST = 0.9
"""A calibrated recogniser that asked for more would hardly answer: of people it had never seen
the first released one accepted 17 % at 0.99 and 58 % at 0.9, and 99.7 and 97.3 % of
that were right (ADR 0011)."""


def non_letters(labels: Sequence[str], size_px: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Draws hands that show none of `labels`: float32 (N, h, w, 3) in [0, 1]; N may be 0.

    It is 0 beside a sign of the user's own: a synthetic hand may show just that.
    """
    known = SYNTHETIC_SIGNS.issuperset(labels)
    signs = [sign for sign in OUTSIDERS if known and sign not in labels]
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
    """Returns the threshold to ship, what it was fitted on, and what it does there.

    `probabilities` (N, C) are the calibrated answers to validation pictures, `strange` (M, C)
    those to hands outside the alphabet, which weigh a tenth of all and for which only `nothing`
    is right. The `fitted` threshold keeps `LEAST_RIGHT` of the accepted answers right. Where the
    network is too weak for any (`fitted` is None), the one at which it is right most often takes
    its place. Neither goes beyond `MOST`. Either is raised to `least`, which also stands where
    pictures are too few to tell: validation shows the people of the training, of whom a network
    is surer than of unseen signers.

    `coverage` and `reached` are what the shipped threshold accepts, and how often that is right.
    """
    unknown = labels.index(NOTHING) if NOTHING in labels else NOBODY
    weight = OUTSIDERS_SHARE / (1 - OUTSIDERS_SHARE) * len(y_true) / max(1, len(strange))
    truth = np.concatenate([y_true, np.full(len(strange), unknown, np.intp)])
    answers = np.concatenate([probabilities, strange])
    weights = np.concatenate([np.ones(len(y_true)), np.full(len(strange), weight)])
    fitted = fit_threshold(truth, answers, weights)
    wanted = fitted or surest_threshold(truth, answers, weights)
    threshold = least if wanted is None else max(least, min(wanted.threshold, MOST))
    accepted = weights * (answers.max(axis=1) >= threshold)
    right = answers.argmax(axis=1) == truth
    return {
        "threshold": threshold,
        "least": least,
        "fitted": None if fitted is None else fitted.threshold,
        "right": LEAST_RIGHT,
        "reached": float((accepted * right).sum() / accepted.sum()) if accepted.any() else None,
        "coverage": float(accepted.sum() / weights.sum()),
        "pictures": len(y_true),
        "non_letters": len(strange),
    }


@dataclass(frozen=True, slots=True)
class Validated:
    """What the finished network makes of the validation split; the loss is −ln p(true class)."""

    temperature: float
    loss: float
    accuracy: float
    rejection: dict[str, Any]


def calibrate(run: Run) -> Validated:
    """Fits temperature and threshold on the validation split; folds the first into the network.

    On its pictures changed as training changes them: as they are they show the people, rooms and
    cameras of the training, of which a network is surer than of unseen signers (docs/adr/0013). Loss
    and accuracy are those of the pictures as they are.
    """
    validation = run.manifest.split("val")
    index = {label: i for i, label in enumerate(run.manifest.labels)}
    truth = np.array([index[sample.label] for sample in validation])
    looks = views_network(run.model)

    def answers(augment: AugmentConfig | None = None) -> np.ndarray:
        def predicted() -> np.ndarray:
            stream = validation_stream(run, run.config.model.image_size_px, augment)
            return np.asarray(looks.predict(stream, steps=run.validation_steps(), verbose=0))

        return patiently(run, run.model.variables, predicted)

    plain, harder = answers(), answers(run.config.augment)
    temperature = fit_temperature(harder, truth)
    fold_temperature(run.model, temperature)
    calibrated = apply_temperature(plain, temperature)
    return Validated(
        temperature=temperature,
        loss=log_loss(truth, calibrated),
        accuracy=float((calibrated.argmax(axis=1) == truth).mean()),
        rejection=reject(run, truth, apply_temperature(harder, temperature)),
    )


def reject(run: Run, truth: np.ndarray, calibrated: np.ndarray) -> dict[str, Any]:
    """Fits the threshold, on validation pictures and synthetic hands that are no letter."""
    config, labels = run.config, run.manifest.labels
    hands = non_letters(labels, config.model.image_size_px, config.seed)

    def predicted() -> np.ndarray:
        return np.asarray(run.model.predict(hands, run.pictures_at_once(), verbose=0))

    strange = patiently(run, run.model.variables, predicted) if len(hands) else calibrated[:0]
    return choose_threshold(truth, calibrated, strange, labels, config.threshold)
