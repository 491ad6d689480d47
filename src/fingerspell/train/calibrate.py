"""Calibration of a trained network: temperature scaling and the acceptance threshold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.config.train import AugmentConfig
from fingerspell.evaluate import calibration
from fingerspell.evaluate.calibration import LEAST_RIGHT, apply_temperature, fit_temperature
from fingerspell.labels import NOTHING
from fingerspell.model import fold_temperature, views_network
from fingerspell.train.memory import retry_smaller
from fingerspell.train.session import Run

_NON_LETTER_WEIGHT = 0.1
"""Assumed share of non-letters in what a camera sees."""

HIGHEST_THRESHOLD = 0.9
"""A calibrated recogniser with a higher one would hardly answer: of unseen signers the first
released one accepted 17 % at 0.99 and 58 % at 0.9, and 99.7 and 97.3 % of that were right (ADR
0011)."""


@dataclass(frozen=True, slots=True)
class _Calibration:
    """Calibration of the trained network on the validation split; the loss is −ln p(true class)."""

    temperature: float
    loss: float
    accuracy: float
    rejection: dict[str, Any]


def calibrate(
    run: Run,
    validation_stream: Callable[[AugmentConfig | None], Any],
    non_letters: NDArray[np.float32],
) -> _Calibration:
    """Fits temperature and threshold on the validation split; folds the temperature into the model.

    `validation_stream` gives its pictures in batches, augmented or not. Both are fitted on
    augmented pictures: unchanged they show the signers, rooms and cameras of the training set, on
    which a network is more confident than on unseen signers (docs/adr/0013). Loss and accuracy are
    those of the unchanged pictures. `non_letters` (M, h, w, 3) are hands that show no letter.
    """
    index = {label: i for i, label in enumerate(run.manifest.labels)}
    truth = np.array([index[sample.label] for sample in run.manifest.split("val")])
    views = views_network(run.model)

    def answers(augment: AugmentConfig | None) -> np.ndarray:
        def predicted() -> np.ndarray:
            stream = validation_stream(augment)
            return np.asarray(views.predict(stream, steps=run.validation_steps(), verbose=0))

        return retry_smaller(run, run.model.variables, predicted)

    plain, augmented = answers(None), answers(run.config.augment)
    temperature = fit_temperature(augmented, truth)
    fold_temperature(run.model, temperature)
    calibrated = apply_temperature(plain, temperature)
    return _Calibration(
        temperature=temperature,
        loss=calibration.log_loss(truth, calibrated),
        accuracy=float((calibrated.argmax(axis=1) == truth).mean()),
        rejection=_fit_rejection(
            run, truth, apply_temperature(augmented, temperature), non_letters
        ),
    )


def _fit_rejection(
    run: Run, truth: np.ndarray, calibrated: np.ndarray, non_letters: NDArray[np.float32]
) -> dict[str, Any]:
    """Fits the threshold on validation pictures and on synthetic hands that show no letter."""

    def predicted() -> np.ndarray:
        return np.asarray(run.model.predict(non_letters, run.pictures_at_once(), verbose=0))

    answers = calibrated[:0]
    if len(non_letters):
        answers = retry_smaller(run, run.model.variables, predicted)
    return _choose_threshold(truth, calibrated, answers, run.manifest.labels, run.config.threshold)


def _choose_threshold(
    y_true: NDArray[np.intp],
    probabilities: NDArray[np.floating[Any]],
    non_letters: NDArray[np.floating[Any]],
    labels: Sequence[str],
    least: float,
) -> dict[str, Any]:
    """Returns the acceptance threshold, what it was fitted on, and its precision and coverage.

    `probabilities` (N, C) are the calibrated answers to validation pictures, `non_letters` (M, C)
    those to hands that show no letter, which weigh a tenth of all and for which only `nothing`
    is right. The `fitted` threshold keeps `LEAST_RIGHT` of the accepted answers right. Where the
    network is too weak for any (`fitted` is None), the one at which it is right most often takes
    its place. Neither exceeds `HIGHEST_THRESHOLD`. Either is raised to `least`, which also applies
    where pictures are too few: validation shows the signers of the training set, on whom a network
    is more confident than on unseen signers.

    `coverage` is the share that the threshold accepts, `reached` how much of that is right.
    """
    unknown = labels.index(NOTHING) if NOTHING in labels else calibration.NOBODY
    weight = _NON_LETTER_WEIGHT / (1 - _NON_LETTER_WEIGHT) * len(y_true) / max(1, len(non_letters))
    truth = np.concatenate([y_true, np.full(len(non_letters), unknown, np.intp)])
    answers = np.concatenate([probabilities, non_letters])
    weights = np.concatenate([np.ones(len(y_true)), np.full(len(non_letters), weight)])
    fitted = calibration.fit_threshold(truth, answers, weights)
    wanted = fitted or calibration.surest_threshold(truth, answers, weights)
    threshold = least if wanted is None else max(least, min(wanted.threshold, HIGHEST_THRESHOLD))
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
        "non_letters": len(non_letters),
    }
