"""How far a finished network is believed: temperature and threshold, fitted on hard pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fingerspell.config import AugmentConfig
from fingerspell.evaluate.calibration import apply_temperature, fit_temperature, log_loss
from fingerspell.model import fold_temperature, views_network
from fingerspell.train.memory import patiently
from fingerspell.train.phases import validation_stream
from fingerspell.train.rejection import choose_threshold, outsiders
from fingerspell.train.session import Run


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
    cameras of the training, of which a network is surer than of strangers (docs/adr/0013). Loss
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
    """Fits the threshold, on validation pictures and drawn hands that are no letter."""
    config, labels = run.config, run.manifest.labels
    hands = outsiders(labels, config.model.image_size_px, config.seed)

    def predicted() -> np.ndarray:
        return np.asarray(run.model.predict(hands, run.pictures_at_once(), verbose=0))

    strange = patiently(run, run.model.variables, predicted) if len(hands) else calibrated[:0]
    return choose_threshold(truth, calibrated, strange, labels, config.threshold)
