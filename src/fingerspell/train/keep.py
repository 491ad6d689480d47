"""Keeps the best weights by validation loss and says when they no longer get better."""

from __future__ import annotations

import keras
import numpy as np

MIN_GAIN = 1e-3
"""A validation loss must fall by at least this much to count as better."""


class KeepBest:
    """Remembers the weights of the best validation so far; plain data for a checkpoint to carry."""

    def __init__(self, patience_epochs: int) -> None:
        self.patience_epochs = patience_epochs
        self.best_loss = float("inf")
        self.waited_epochs = 0
        self.weights: list[np.ndarray] = []

    def consider(self, loss: float, network: keras.Model) -> None:
        """Takes the weights that were validated with `loss`, if they are the best so far."""
        if loss < self.best_loss - MIN_GAIN:
            self.best_loss, self.waited_epochs = loss, 0
            self.weights = network.get_weights()
        else:
            self.waited_epochs += 1

    @property
    def exhausted(self) -> bool:
        """Whether `patience_epochs` went by without gain; never, where there are none."""
        return 0 < self.patience_epochs <= self.waited_epochs

    def restore(self, network: keras.Model) -> None:
        """Puts the best weights back; does nothing where no validation ever ran."""
        if self.weights:
            network.set_weights(self.weights)
