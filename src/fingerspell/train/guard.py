"""Stops a run that has broken down before it overwrites what was good."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fingerspell.errors import RunError


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Whether every number of the floating-point arrays is finite."""
    return all(bool(np.isfinite(a).all()) for a in arrays if a.dtype.kind == "f")


def broken_down(what: str, where: str, learning_rate: float) -> RunError:
    """Returns the error for `what` was found in the step that `where` names."""
    return RunError(
        found=f"{what} in {where}, at a learning rate of {learning_rate:.3g}",
        expected="finite numbers; the last good weights are kept in checkpoints/",
        fix="start afresh with --overwrite and another --seed, a larger --batch_size or other "
        "--weights; in a configuration of your own, with a smaller learning_rate",
    )
