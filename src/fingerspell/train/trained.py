"""The network of a finished run, read through Keras on any backend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.model import load_recogniser
from fingerspell.train import folder


@dataclass(frozen=True, slots=True)
class Trained:
    """What evaluation measures exports against, and what it measures where there are none."""

    model: keras.Model
    labels: tuple[str, ...]
    threshold: float

    @classmethod
    def load(cls, run_folder: Path) -> Trained:
        """Reads a run folder; raises a `FingerspellError` unless training has finished in it."""
        facts = folder.read_json(run_folder / folder.RUN)
        return cls(
            load_recogniser(run_folder / folder.MODEL),
            tuple(facts["labels"]),
            facts.get("threshold", facts["config"]["threshold"]),
        )

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the pictures that the network takes."""
        height_px, width_px = self.model.input_shape[1:3]
        return int(height_px), int(width_px)

    def probabilities(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the answers (N, C) to pictures (N, H, W, 3) in [0, 1].

        One compiled step a batch: half the time of calling the network under TensorFlow, and
        without the graph that PyTorch would keep for a backward pass.
        """
        return np.asarray(self.model.predict_on_batch(batch), np.float32)
