"""Arrays in one file that is whole or not there, and that shows when it was damaged."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

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
    temporary = path.with_name(f".{path.name}.writing")
    try:
        with temporary.open("w+b") as file:
            write(file)
            file.seek(0)
            file.write(hashlib.file_digest(file, "sha256").digest())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _settle(path.parent)


def _settle(folder: Path) -> None:
    """Makes a rename survive a power cut; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
