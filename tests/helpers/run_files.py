"""What a run folder came to, for comparing runs bit by bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

TIMINGS = ("seconds", "pictures_per_s")


def weights(folder: Path) -> list[np.ndarray]:
    from fingerspell.model import load_recogniser

    return list(load_recogniser(folder / "model.keras").get_weights())


def curves(folder: Path) -> dict[str, Any]:
    """The history without its timings."""
    columns = json.loads((folder / "training_history.json").read_text(encoding="utf-8"))
    return {name: values for name, values in columns.items() if name not in TIMINGS}


def assert_same_run(one: Path, other: Path) -> None:
    """The same curves, and the same weights to the last bit."""
    assert curves(one) == curves(other)
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)
