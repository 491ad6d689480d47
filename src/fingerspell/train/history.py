"""The curves of a run over all its phases, one row an epoch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass. Rows, not columns: a phase may lack what another has."""

    phase: str
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    seconds: float
    pictures_per_s: float


def to_columns(epochs: Iterable[Epoch]) -> dict[str, Any]:
    """Returns the curves as lists of equal length, the shape of `training_history.json`."""
    rows = [asdict(e) for e in epochs]
    return {name: [row[name] for row in rows] for name in Epoch.__slots__}


def from_columns(columns: dict[str, Any]) -> list[Epoch]:
    """Reads what `to_columns` made."""
    names = Epoch.__slots__
    return [Epoch(*row) for row in zip(*(columns[name] for name in names), strict=True)]
