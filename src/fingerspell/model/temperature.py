"""Folds a calibration temperature into the last layer, so that no caller has to apply it."""

from __future__ import annotations

import keras

from fingerspell.model.build import LOGITS
from fingerspell.model.parts import head_of


def fold_temperature(model: keras.Model, temperature: float) -> None:
    """Divides the logits by `temperature` for good: softmax((W x + b) / T).

    The top class of one look never changes. Reference: Guo et al., On Calibration of Modern Neural
    Networks, ICML 2017.
    """
    layer = head_of(model).get_layer(LOGITS)
    layer.set_weights([w / temperature for w in layer.get_weights()])
