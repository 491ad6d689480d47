"""Where an interrupted run goes on: every variable after any step, the last two states kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.errors import RunError
from fingerspell.train.arrays import DamagedError, read_arrays, write_arrays
from fingerspell.train.history import Epoch

KEPT = 2
PATTERN = "step_*.npz"
ASIDE = ".damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a run had come.

    `epoch` counts the epochs of phase number `phase` that are trained and validated, `step` the
    steps of the one in progress, `total_steps` the steps of the whole run, which name the file.
    `rows` are the curves of the finished epochs; `epoch_s` and `spent_s` the seconds that the
    steps of this epoch and the whole run took, over all sessions. `parts` is the number of equal
    parts in which a step computes its batch, so that memory suffices.
    """

    fingerprint: str
    phase: int = 0
    epoch: int = 0
    step: int = 0
    total_steps: int = 0
    best_loss: float = float("inf")
    waited_epochs: int = 0
    epoch_s: float = 0.0
    spent_s: float = 0.0
    parts: int = 1
    rows: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position and the arrays that belong to it, by name and number (`optimizer/3`)."""

    position: Position
    arrays: dict[str, np.ndarray]

    def group(self, name: str) -> list[np.ndarray]:
        """Returns the arrays of one group in order."""
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{i}"] for i in range(count)]

    def fill(self, name: str, variables: Sequence[Any]) -> None:
        """Puts a group back into `variables`; refuses another number of them or other shapes."""
        values = self.group(name)
        found = [tuple(value.shape) for value in values]
        expected = [tuple(variable.shape) for variable in variables]
        if found != expected:
            raise RunError(
                found=f"a checkpoint whose {name} ({len(found)} variables) is not this run's "
                f"({len(expected)} variables)",
                expected="a checkpoint that this version of the program wrote for this run",
                fix="start afresh with --overwrite",
            )
        fill(variables, values)


def fill(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Puts values back that `copied` took."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def copied(variables: Sequence[Any]) -> list[np.ndarray]:
    """Returns what variables hold now."""
    return [keras.ops.convert_to_numpy(v) for v in variables]


def numbered(name: str, values: Sequence[Any]) -> dict[str, np.ndarray]:
    """Returns variables or arrays as the group `name`."""
    return {f"{name}/{i}": v for i, v in enumerate(copied(values))}


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes one checkpoint and then drops all but the last two."""
    position = replace(checkpoint.position, rows=())
    body = {**asdict(position), "rows": [asdict(row) for row in checkpoint.position.rows]}
    write_arrays(
        folder / f"step_{position.total_steps:08d}.npz",
        {**checkpoint.arrays, "position": np.array(json.dumps(body))},
    )
    for old in sorted(folder.glob(PATTERN))[:-KEPT]:
        old.unlink(missing_ok=True)


def read(path: Path) -> Checkpoint:
    """Reads one checkpoint; raises `DamagedError` unless it is as it was written.

    Raises `RunError` where it is out of reach, or another version's: it may be whole.
    """
    try:
        arrays = read_arrays(path)
        body = json.loads(str(arrays.pop("position")))
        rows = tuple(Epoch(**row) for row in body.pop("rows"))
        return Checkpoint(Position(**body, rows=rows), arrays)
    except OSError as error:
        raise _out_of_reach(path, error) from error
    except (KeyError, ValueError, TypeError) as error:
        raise RunError(
            found=f"{path} was written by another version of the program ({error})",
            expected="a checkpoint of this version",
            fix="go on with the version that wrote it, or start afresh with --overwrite",
        ) from error


def latest(folder: Path) -> Checkpoint | None:
    """Returns the newest whole checkpoint, or nothing where none was ever written.

    Damaged ones are told of on the console and, once one before them is found whole, put aside:
    they would count among the last two.
    Raises `RunError` where there are checkpoints and not one of them is whole, or where one
    cannot be read.
    """
    damaged: list[Path] = []
    for path in sorted(folder.glob(PATTERN), reverse=True):
        try:
            found = read(path)
        except DamagedError as error:
            print(f"warning: checkpoint {path.name} is damaged ({error})", flush=True)
            damaged.append(path)
            continue
        if damaged:
            _put_aside(damaged)
            print(f"warning: going back to the checkpoint before it, {path.name}", flush=True)
        return found
    if not damaged:
        return None
    raise RunError(
        found=f"no checkpoint in {folder} is whole ({', '.join(p.name for p in damaged)})",
        expected="at least one file as this program wrote it",
        fix="start afresh with --overwrite",
    )


def _put_aside(damaged: Sequence[Path]) -> None:
    """Renames the newest of damaged checkpoints, the first, and removes the others."""
    newest, *others = damaged
    try:
        for old in (*others, *newest.parent.glob(f"{PATTERN}{ASIDE}")):
            old.unlink()
        newest.rename(newest.with_name(newest.name + ASIDE))
    except OSError as error:
        raise _out_of_reach(newest, error) from error


def _out_of_reach(path: Path, error: OSError) -> RunError:
    return RunError(
        found=f"{path} cannot be read or renamed ({error.strerror or error})",
        expected="a checkpoint that no other program holds",
        fix="mend its permissions, or wait until nothing holds it; then give the same command "
        "with --resume",
    )
