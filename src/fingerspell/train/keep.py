"""Keeps the best weights by validation loss and stops when they no longer get better."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

MIN_GAIN = 1e-3
"""A validation loss must fall by at least this much to count as better."""


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Remembers the weights of the best validation so far.

    Placed before `SwapEMAWeights` in the list, it sees the averaged weights that were validated
    and not the raw ones. Its state is plain data, so that a checkpoint can carry it.
    """

    def __init__(self, patience_epochs: int) -> None:
        super().__init__()
        self.patience_epochs = patience_epochs
        self.best_loss = float("inf")
        self.waited_epochs = 0
        self.weights: list[np.ndarray] = []

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        loss = float((logs or {}).get("loss", float("nan")))
        if loss < self.best_loss - MIN_GAIN:
            self.best_loss, self.waited_epochs = loss, 0
            self.weights = self.model.get_weights()
        else:
            self.waited_epochs += 1

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.waited_epochs >= self.patience_epochs:
            self.model.stop_training = True

    def restore(self) -> None:
        """Puts the best weights back; does nothing where no validation ever ran."""
        if self.weights:
            self.model.set_weights(self.weights)
