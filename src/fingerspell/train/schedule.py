"""Optimizer and learning rate of one phase."""

from __future__ import annotations

import keras

from fingerspell.config import Phase, TrainConfig


def learning_rate(phase: Phase, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a linear warm-up to `phase.learning_rate`, then a cosine decay to a hundredth.

        rate(t) = peak * t / W                                   for t < W
        rate(t) = peak * (0.01 + 0.99 (1 + cos(pi (t - W) / D)) / 2)   after

    `steps` is the whole phase's number of steps: W = warmup_share * steps, D = steps - W.
    Reference: Loshchilov & Hutter, SGDR, ICLR 2017.
    """
    warmup = max(1, round(phase.warmup_share * steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=phase.learning_rate / warmup,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
        warmup_target=phase.learning_rate,
        warmup_steps=warmup,
    )


def averaging(steps_per_epoch: int, epochs: float) -> float:
    """Returns the decay a step that averages the weights over about `epochs` passes.

    Counted in passes and not in steps, so that small and large data sets lag alike.
    """
    return 1 - 1 / max(2.0, epochs * steps_per_epoch)


def compile_for(
    model: keras.Model, phase: Phase, steps_per_epoch: int, config: TrainConfig
) -> None:
    """Compiles `model` for one phase: Adam, cross-entropy, averaged weights where asked for."""
    optimizer = keras.optimizers.Adam(
        learning_rate(phase, steps_per_epoch * phase.epochs),
        use_ema=config.average_epochs > 0,
        ema_momentum=averaging(steps_per_epoch, config.average_epochs),
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    # The averages must exist before a checkpoint can be put back into them.
    model.optimizer.build(model.trainable_variables)
