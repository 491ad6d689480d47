"""Keras's loop without TensorFlow's graphs: the same steps, in plain Python and NumPy.

Tracing the graphs of a tiny network takes most of a short run. Weights, moments, averages, sums
and curves move here as they do there (a test compares them), so that what a run counts, saves
and restores can be watched over dozens of runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from fingerspell.train import synthetic


def install(patch: pytest.MonkeyPatch) -> None:
    """Replaces Keras's own loop, and asks few non-letters at the end of a training."""
    for stand_in in STAND_INS:
        patch.setattr(keras.Model, stand_in.__name__, stand_in)
    patch.setattr(synthetic, "THRESHOLD_NON_LETTERS_EACH", 4)


def keras_own(patch: pytest.MonkeyPatch) -> None:
    """Puts Keras's own loop back, for a test that is about its graphs."""
    for stand_in in STAND_INS:
        name = stand_in.__name__
        own = next(vars(x)[name] for x in keras.Model.__mro__[1:] if name in vars(x))
        patch.setattr(keras.Model, name, own)


def fit(
    network: Any,
    batches: Iterable[Any],
    *,
    steps_per_epoch: int,
    callbacks: list[Any],
    epochs: int = 1,
    **_: Any,
) -> SimpleNamespace:
    """Trains and calls back as Keras does; ends with the averaged weights.

    A step that is not Adam's own, in parts or in half precision, is computed by Keras.
    """
    (callback,) = callbacks
    callback.set_model(network)
    _build(network)
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    usual = "train_step" not in vars(network) and type(network.optimizer) is keras.optimizers.Adam
    for epoch in range(epochs):
        network.reset_metrics()
        callback.on_epoch_begin(epoch)
        for number, batch in zip(range(steps_per_epoch), batches, strict=False):
            logs = _step(network, batch) if usual else network.train_step(_tensors(batch))
            callback.on_train_batch_end(number, logs)
        for name, values in history.items():
            values.append(float(logs[name]))
        callback.on_epoch_end(epoch)
    network.optimizer.finalize_variable_values(network.trainable_weights)
    return SimpleNamespace(history=history)


def _build(network: Any) -> None:
    """Makes moments and sums, which Keras otherwise puts off until the first step."""
    if not network.optimizer.built:
        network.optimizer.build(network.trainable_weights)
    row = np.full((1, int(network.output_shape[-1])), 0.5, np.float32)
    network.compute_metrics(None, row, row, np.ones(1, np.float32))


def one_step(network: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Takes one of Keras's own steps, of plain gradient descent and without tracing a graph."""
    network.compile(keras.optimizers.SGD(0.1), "categorical_crossentropy")
    network.train_step(_tensors((x, y)))


def _step(network: Any, batch: Any) -> dict[str, float]:
    """Moves the weights by Adam, m and v its moments, t the step from 1 on.

    w' = w - rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
    """
    import tensorflow as tf

    adam, weights = network.optimizer, network.trainable_weights
    with tf.GradientTape() as tape:
        answers = network(tf.constant(batch[0]), training=True)
        loss = _loss(network, answers, *batch[1:])
    before = int(adam.iterations)
    alpha = float(adam.learning_rate) * (1 - adam.beta_2 ** (before + 1)) ** 0.5
    alpha = np.float32(alpha / (1 - adam.beta_1 ** (before + 1)))
    averages = adam._model_variables_moving_average if adam.use_ema else [None] * len(weights)
    for w, g, m, v, average in zip(
        weights, tape.gradient(loss, weights), adam._momentums, adam._velocities, averages,
        strict=True,
    ):  # fmt: skip
        g, moved = np.asarray(g), []
        for moment, beta, towards in ((m, adam.beta_1, g), (v, adam.beta_2, g * g)):
            old = np.asarray(moment)
            moved.append(old + (towards - old) * np.float32(1 - beta))
            moment.assign(moved[-1])
        w.assign(np.asarray(w) - alpha * moved[0] / (np.sqrt(moved[1]) + np.float32(adam.epsilon)))
        if average is not None:
            kept = np.float32(adam.ema_momentum if before else 0.0)
            average.assign(kept * np.asarray(average) + (1 - kept) * np.asarray(w))
    adam.iterations.assign(before + 1)
    return _count(network, float(loss), np.asarray(answers), *batch[1:])


def _loss(network: Any, answers: Any, y: Any, weight: Any = None) -> Any:
    """Cross-entropy with smoothed labels, weighted and divided by the number of pictures."""
    import tensorflow as tf

    smoothing = network.loss.label_smoothing
    wanted = np.asarray(y) * (1 - smoothing) + smoothing / y.shape[1]
    each = -tf.reduce_sum(wanted * tf.math.log(tf.clip_by_value(answers, 1e-7, 1 - 1e-7)), axis=1)
    return tf.reduce_mean(each if weight is None else each * weight)


def _count(
    network: Any, loss: float, answers: np.ndarray, y: Any, weight: Any = None
) -> dict[str, float]:
    """Adds a batch to the sums of the epoch and returns their means so far."""
    weight = np.ones(len(y)) if weight is None else np.asarray(weight)
    right = (answers.argmax(axis=1) == np.asarray(y).argmax(axis=1)) * weight
    for variable, more in zip(
        network.metrics_variables, (loss * len(y), len(y), right.sum(), weight.sum()), strict=True
    ):
        variable.assign(float(np.asarray(variable)) + more)
    sums = [float(np.asarray(variable)) for variable in network.metrics_variables]
    return {"loss": sums[0] / sums[1], "accuracy": sums[2] / sums[3]}


def _tensors(batch: Any) -> tuple[Any, ...]:
    return tuple(keras.ops.convert_to_tensor(part) for part in batch)


def evaluate(network: Any, batches: Iterable[Any], steps: int, **_: Any) -> dict[str, float]:
    """Returns loss and accuracy over `steps` batches."""
    network.reset_metrics()
    logs: dict[str, float] = {}
    for _, batch in zip(range(steps), batches, strict=False):
        answers = predict_on_batch(network, batch[0])
        logs = _count(network, float(_loss(network, answers, *batch[1:])), answers, *batch[1:])
    return logs


def predict(
    network: Any, x: Any, batch_size: int = 32, steps: int | None = None, **_: Any
) -> np.ndarray:
    """Returns the answers to an array of pictures, or to those of `steps` batches."""
    if isinstance(x, np.ndarray):
        parts: Iterable[Any] = (x[i : i + batch_size] for i in range(0, len(x), batch_size))
    else:
        parts = (batch[0] for _, batch in zip(range(steps or 0), x, strict=False))
    return np.concatenate([predict_on_batch(network, part) for part in parts])


def predict_on_batch(network: Any, x: Any) -> np.ndarray:
    """Returns the answers to one batch."""
    return np.asarray(network(keras.ops.convert_to_tensor(x), training=False))


STAND_INS = (fit, evaluate, predict, predict_on_batch)
