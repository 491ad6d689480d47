"""A training's course: its weights after every epoch, and what the clock said.

Both contenders of `time_to_quality.py` write one while they train. Accuracy is read from the
weights when all training is over, so that measuring costs neither of them time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = "course.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass, validated. `clock_s` counts from the program's start, imports included.

    `pictures` is how many were learnt from in it, `size_px` (height, width) what the network saw.
    """

    phase: str
    clock_s: float
    pictures: int
    size_px: tuple[int, int]


class Course:
    """Notes epochs into a folder; the seconds that noting takes are kept off the clock."""

    def __init__(self, folder: Path, started_s: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.epochs: list[Epoch] = []
        self._started_s, self._noting_s = started_s, 0.0

    def clock_s(self) -> float:
        """Returns the training's own seconds so far."""
        return time.perf_counter() - self._started_s - self._noting_s

    def note(
        self, weights: Sequence[np.ndarray], *, phase: str, pictures: int, size_px: tuple[int, int]
    ) -> None:
        """Keeps the weights of an epoch that was just validated."""
        began_s = time.perf_counter()
        epoch = Epoch(phase=phase, clock_s=self.clock_s(), pictures=pictures, size_px=size_px)
        np.savez(self.folder / f"epoch_{len(self.epochs):03d}.npz", *weights)
        self.epochs.append(epoch)
        self._noting_s += time.perf_counter() - began_s

    def finish(self, **facts: Any) -> None:
        """Writes the course down; `facts` are whatever else the measurement quotes."""
        body = {
            "epochs": [asdict(epoch) for epoch in self.epochs],
            "whole_s": round(self.clock_s(), 1),
            **facts,
        }
        text = json.dumps(body, indent=1, default=str)
        (self.folder / FILE).write_text(text, encoding="utf-8", newline="\n")


def read_course(folder: Path) -> tuple[list[Epoch], dict[str, Any]]:
    """Returns the epochs of a finished training and what else it noted."""
    body = json.loads((folder / FILE).read_text(encoding="utf-8"))
    rows = body.pop("epochs")
    epochs = [Epoch(**{**row, "size_px": (row["size_px"][0], row["size_px"][1])}) for row in rows]
    return epochs, body


def weights_of(folder: Path, number: int) -> list[np.ndarray]:
    """Returns the weights after epoch `number`, counted from 0."""
    with np.load(folder / f"epoch_{number:03d}.npz") as stored:
        return [stored[f"arr_{i}"] for i in range(len(stored.files))]
