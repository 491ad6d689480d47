"""Where an interrupted run goes on: every variable after any step, the last two states kept."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import RunError
from fingerspell.files import written_aside

DIGEST_BYTES = 32
PART_BYTES = 1 << 20


class DamagedError(Exception):
    """A file that is not as it was written."""


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes `arrays` to `path` in one step: an older file stays until the new one is on the disk.

    The file is an `.npz` and, behind it, the SHA-256 of all that. The archive's own checksums do
    not cover its directory: with one altered byte there, arrays are missing and nothing is said.
    """
    _write_whole(path, lambda file: np.savez(file, **arrays))


def write_rows(path: Path, rows: NDArray[Any]) -> None:
    """Writes one array to `path` like `write_arrays`, as an `.npy` that `map_rows` can map."""
    _write_whole(path, lambda file: np.save(file, rows))


def _write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path, durable=True) as temporary, temporary.open("w+b") as file:
        write(file)
        file.seek(0)
        file.write(hashlib.file_digest(file, "sha256").digest())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads every array of a file; raises `DamagedError` unless it is as it was written.

    A file that cannot be read (`OSError`) may be whole.
    """
    with path.open("rb") as file:
        _check(file)
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def map_rows(path: Path, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """Returns the `count` rows of a file, still on the disk.

    Raises `DamagedError` unless the file is as it was written and holds just those.
    """
    try:
        with path.open("rb") as file:
            _check(file)
        rows: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamagedError(str(error)) from error
    if (rows.dtype, rows.shape) != (kind, (count,)):
        raise DamagedError("it holds other rows")
    return rows


def _check(file: BinaryIO) -> None:
    """Raises `DamagedError` unless the file ends in the SHA-256 of what comes before."""
    left = file.seek(0, os.SEEK_END) - DIGEST_BYTES
    file.seek(0)
    found = hashlib.sha256()
    while left > 0 and (part := file.read(min(left, PART_BYTES))):
        found.update(part)
        left -= len(part)
    if file.read() != found.digest():
        raise DamagedError("its checksum is wrong")


def sweep(folder: Path) -> None:
    """Removes what killed writers left half done: its names begin with a dot."""
    for path in folder.glob(".*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


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
