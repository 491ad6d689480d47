"""Writing a data set folder so that there is always the old one or the new one, never a mixture."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fingerspell.errors import DataError


def partial_of(output_dir: Path) -> Path:
    """Returns the hidden sibling in which a data set grows."""
    return output_dir.parent / f".{output_dir.name}.partial"


def previous_of(output_dir: Path) -> Path:
    """Returns the hidden sibling that holds the old data set for the moment of the exchange."""
    return output_dir.parent / f".{output_dir.name}.previous"


def link_or_copy(source: Path, target: Path) -> bool:
    """Hard-links where the file system allows, copies elsewhere; returns whether it linked."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
        return False
    return True


def recover(output_dir: Path) -> None:
    """Tidies up after a killed run: brings the old folder back, drops half-written ones."""
    previous = previous_of(output_dir)
    if previous.exists() and not output_dir.exists():
        previous.rename(output_dir)
    for left in (previous, partial_of(output_dir)):
        if left.exists():
            shutil.rmtree(left)


def make_ready(output_dir: Path) -> None:
    """Finds out before the long work whether `output_dir` can be written; see also `recover`."""
    with _said_plainly(output_dir):
        recover(output_dir)
        there = output_dir.parent.resolve()
        while not there.exists():
            there = there.parent
        with TemporaryDirectory(prefix=".fingerspell-", dir=there):
            pass


@contextmanager
def new_folder(output_dir: Path) -> Iterator[Path]:
    """Gives an empty folder that takes the place of `output_dir` when the block ends well.

    When it doesn't, nothing is left behind. Raises `DataError` where nothing can be written.
    """
    partial, previous = partial_of(output_dir), previous_of(output_dir)
    with _said_plainly(output_dir):
        output_dir.parent.mkdir(parents=True, exist_ok=True)
        recover(output_dir)
        try:
            partial.mkdir()
            yield partial
            if output_dir.exists():
                output_dir.rename(previous)
            partial.rename(output_dir)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            if previous.exists() and not output_dir.exists():
                previous.rename(output_dir)
            shutil.rmtree(previous, ignore_errors=True)


@contextmanager
def _said_plainly(output_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            found=f"cannot write {output_dir}: {error.strerror or error}",
            expected="a folder that may be written, with room for the pictures",
            fix="choose another --output_dir, or free some space",
        ) from error
