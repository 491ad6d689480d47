"""Stops a run that has broken down before it overwrites what was good."""

from __future__ import annotations

from collections.abc import Iterable

import keras
import numpy as np

from fingerspell.errors import RunError

MIN_LOSS_SCALE = 1.0
"""Half precision holds gradients up to 65504: those that do not fit unscaled have broken down."""


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Whether every number of the floating-point arrays is finite."""
    return all(bool(np.isfinite(a).all()) for a in arrays if a.dtype.kind == "f")


class DivergedError(RunError):
    """Training that broke down by itself; with other settings it need not."""


def scaled_away(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether step after step was skipped, the loss scale halved each time, and none could fit.

    A few such steps are normal under `mixed_float16`: that is how the scale is found.
    """
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return False
    return float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)) < MIN_LOSS_SCALE


def broken_down(what: str, where: str, learning_rate: float) -> DivergedError:
    """Returns the error for `what` was found in the step that `where` names."""
    return DivergedError(
        found=f"{what} in {where}, at a learning rate of {learning_rate:.3g}",
        expected="finite numbers; the last good weights are kept in checkpoints/",
        fix="start afresh with --overwrite and another --seed, a larger --batch_size or other "
        "--weights; in a configuration of your own, with a smaller learning_rate",
    )
