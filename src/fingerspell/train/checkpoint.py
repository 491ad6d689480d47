"""Checkpoints: all variables of a run after any step, written atomically, with a checksum.

The last two are kept. A damaged file is recognised by its checksum and skipped.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import RunError
from fingerspell.files import remove, written_aside

_KEPT = 2
_PATTERN = "step_*.npz"
_ASIDE = ".damaged"
_DIGEST_BYTES = 32
_PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Epoch:
    """Metrics of one epoch."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a run has come.

    `epoch` counts the epochs of phase number `phase` that are trained and validated, `step` the
    steps of the one in progress, `total_steps` the steps of the whole run, which name the file.
    `rows` are the metrics of the finished epochs; `epoch_s` and `spent_s` the seconds that the
    steps of this epoch and the whole run took, over all sessions. `parts` is the number of equal
    parts into which a step divides its batch to fit the memory.
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
    """A position and the arrays that belong to it, by group and number (`optimizer/3`)."""

    position: Position
    arrays: dict[str, np.ndarray]

    def group(self, name: str) -> list[np.ndarray]:
        """Returns the arrays of one group in order."""
        count = sum(key.startswith(f"{name}/") for key in self.arrays)
        return [self.arrays[f"{name}/{i}"] for i in range(count)]

    def restore(self, groups: Mapping[str, Sequence[Any]]) -> None:
        """Assigns each group to its variables; refuses another number of them or other shapes."""
        for name, variables in groups.items():
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
            assign(variables, values)


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes one checkpoint, then removes all but the last two."""
    position = replace(checkpoint.position, rows=())
    body = {**asdict(position), "rows": [asdict(row) for row in checkpoint.position.rows]}
    _write_arrays(
        folder / f"step_{position.total_steps:08d}.npz",
        {**checkpoint.arrays, "position": np.array(json.dumps(body))},
    )
    for old in sorted(folder.glob(_PATTERN))[:-_KEPT]:
        old.unlink(missing_ok=True)


def latest(folder: Path) -> Checkpoint | None:
    """Returns the newest undamaged checkpoint, or None where none was ever written.

    Damaged ones are reported on the console. Once an older one is found undamaged they are renamed:
    they would count among the last two. Raises `RunError` where all are damaged, or one cannot be
    read.
    """
    damaged: list[Path] = []
    for path in sorted(folder.glob(_PATTERN), reverse=True):
        try:
            found = _read(path)
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


def _read(path: Path) -> Checkpoint:
    """Reads one checkpoint; raises `DamagedError` where its checksum does not match.

    Raises `RunError` where it cannot be read, or where another version wrote it.
    """
    try:
        arrays = _read_arrays(path)
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


def _put_aside(damaged: Sequence[Path]) -> None:
    """Renames the newest of damaged checkpoints, the first, and removes the others."""
    newest, *others = damaged
    try:
        for old in (*others, *newest.parent.glob(f"{_PATTERN}{_ASIDE}")):
            old.unlink()
        newest.rename(newest.with_name(newest.name + _ASIDE))
    except OSError as error:
        raise _out_of_reach(newest, error) from error


def _out_of_reach(path: Path, error: OSError) -> RunError:
    return RunError(
        found=f"{path} cannot be read or renamed ({error.strerror or error})",
        expected="a checkpoint that no other program holds",
        fix="mend its permissions, or wait until nothing holds it; then give the same command "
        "with --resume",
    )


def assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Assigns values that `copied` returned."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def copied(variables: Sequence[Any]) -> list[np.ndarray]:
    """Returns the values of variables as arrays."""
    return [keras.ops.convert_to_numpy(v) for v in variables]


def numbered(groups: Mapping[str, Sequence[Any]]) -> dict[str, np.ndarray]:
    """Returns groups of variables or arrays as the arrays of a checkpoint, by group and number."""
    return {f"{name}/{i}": v for name, group in groups.items() for i, v in enumerate(copied(group))}


class DamagedError(Exception):
    """A file whose content does not match its checksum."""


def _write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes `arrays` to `path` atomically: an older file stays until the new one is on the disk.

    The file is an `.npz`, followed by the SHA-256 of it. The archive's own checksums do not cover
    its directory: with one altered byte there, arrays are missing without an error.
    """
    _write_whole(path, lambda file: np.savez(file, **arrays))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads all arrays of a file; raises `DamagedError` where its checksum does not match.

    A file that cannot be read (`OSError`) may be whole.
    """
    with path.open("rb") as file:
        _check(file)
        file.seek(0)
        with np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


def write_rows(path: Path, rows: NDArray[Any]) -> None:
    """Writes one array to `path` like `_write_arrays`, as an `.npy` that `map_rows` can map."""
    _write_whole(path, lambda file: np.save(file, rows))


def map_rows(path: Path, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    """Returns the `count` rows of a file as a memory map.

    Raises `DamagedError` where its checksum does not match or it holds other rows.
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


def remove_unfinished(folder: Path) -> None:
    """Removes the half-written files of killed processes: their names begin with a dot."""
    for path in folder.glob(".*"):
        remove(path)


def _write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path, durable=True) as temporary, temporary.open("w+b") as file:
        write(file)
        file.seek(0)
        file.write(hashlib.file_digest(file, "sha256").digest())


def _check(file: BinaryIO) -> None:
    """Raises `DamagedError` unless the file ends in the SHA-256 of what comes before."""
    left = file.seek(0, os.SEEK_END) - _DIGEST_BYTES
    file.seek(0)
    found = hashlib.sha256()
    while left > 0 and (part := file.read(min(left, _PART_BYTES))):
        found.update(part)
        left -= len(part)
    if file.read() != found.digest():
        raise DamagedError("its checksum is wrong")
