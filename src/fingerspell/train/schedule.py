"""Optimizer of a phase: learning rate schedule, averaged weights, loss."""

from __future__ import annotations

import math
from typing import Any

import keras

from fingerspell.config.phase import Phase
from fingerspell.config.train import TrainConfig


class WarmCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rate: linear warm-up, then a stretch of a half cosine that ends at a hundredth.

        rate(t) = peak * min(1, (t + 1) / W) * (0.01 + 0.99 (1 + cos(pi p)) / 2)
        p = a + (b - a) * (t - W) / D, within [a, b]

    W = warmup_share * steps, D = steps - W, (a, b) = `phase.decay`; None: the rate stays at
    its peak. Keras's own `CosineDecay` cannot end half way, where the next phase goes on.
    Reference: Loshchilov & Hutter, SGDR, ICLR 2017.
    """

    def __init__(self, phase: Phase, steps: int) -> None:
        self.phase, self.steps = phase, steps

    def __call__(self, step: Any) -> Any:
        ops, phase = keras.ops, self.phase
        warmup = round(phase.warmup_share * self.steps)
        t = ops.cast(step, "float32")
        done = ops.clip((t - warmup) / max(1, self.steps - warmup), 0.0, 1.0)
        climbed = ops.minimum(1.0, (t + 1) / max(1, warmup))
        if phase.decay is None:
            return phase.learning_rate * climbed
        start, end = phase.decay
        cosine = ops.cos(math.pi * (start + (end - start) * done))
        return phase.learning_rate * climbed * (0.01 + 0.99 * (1 + cosine) / 2)


def ema_momentum(steps_per_epoch: int, epochs: float) -> float:
    """Returns the decay a step of weights averaged (EMA) over about `epochs` passes.

    Counted in passes, not steps, so that it means the same for small and large data sets.
    """
    return 1 - 1 / max(2.0, epochs * steps_per_epoch)


def compile_for(
    model: keras.Model, phase: Phase, steps_per_epoch: int, config: TrainConfig
) -> None:
    """Compiles `model` for one phase: Adam, cross-entropy, averaged weights (EMA)."""
    optimizer = keras.optimizers.Adam(
        WarmCosine(phase, steps_per_epoch * phase.epochs),
        use_ema=config.average_epochs > 0,
        ema_momentum=ema_momentum(steps_per_epoch, config.average_epochs),
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    # The averages must exist before a checkpoint can be restored into them.
    model.optimizer.build(model.trainable_variables)
