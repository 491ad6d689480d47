"""Where an interrupted run goes on: every variable after a whole epoch, in one file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.errors import RunError
from fingerspell.train.history import Epoch
from fingerspell.train.keep import KeepBest

NAME = "last.npz"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run had come: phases and epochs that were finished, and their curves."""

    phase: int
    epoch: int
    best_loss: float
    waited_epochs: int
    fingerprint: str
    rows: tuple[Epoch, ...]


def save(folder: Path, model: keras.Model, kept: KeepBest, position: Position) -> None:
    """Writes model, optimizer, best weights and position in one step.

    `model.variables` holds the dropout generators' states too, which `get_weights` leaves out:
    without them a continued run would draw other dropout masks.
    """
    arrays: dict[str, Any] = {
        **_numbered("model", model.variables),
        **_numbered("optimizer", model.optimizer.variables),
        **{f"best/{i}": w for i, w in enumerate(kept.weights)},
        "position": np.array(json.dumps(asdict(position))),
    }
    temporary = folder / f".{NAME}.writing.npz"
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(temporary, **arrays)
    temporary.replace(folder / NAME)


def _numbered(name: str, variables: list[Any]) -> dict[str, np.ndarray]:
    return {f"{name}/{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}


def read_position(folder: Path) -> Position | None:
    """Returns how far the run in `folder` had come, or nothing where it never saved."""
    if not (folder / NAME).is_file():
        return None
    try:
        with np.load(folder / NAME, allow_pickle=False) as stored:
            body = json.loads(str(stored["position"]))
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            found=f"a damaged checkpoint {folder / NAME} ({error})",
            expected="a file that this program wrote",
            fix="start afresh with --overwrite",
        ) from error
    return Position(**{**body, "rows": tuple(Epoch(**row) for row in body["rows"])})


def restore(folder: Path, model: keras.Model, kept: KeepBest, position: Position) -> None:
    """Puts back what `save` wrote into a model that was built and compiled alike."""
    with np.load(folder / NAME, allow_pickle=False) as stored:
        _fill(model.variables, stored, "model")
        _fill(model.optimizer.variables, stored, "optimizer")
        count = sum(name.startswith("best/") for name in stored.files)
        kept.weights = [stored[f"best/{i}"] for i in range(count)]
    kept.best_loss, kept.waited_epochs = position.best_loss, position.waited_epochs


def _fill(variables: list[Any], stored: Any, name: str) -> None:
    for index, variable in enumerate(variables):
        variable.assign(stored[f"{name}/{index}"])
