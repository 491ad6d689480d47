"""Tells the console, TensorBoard and the history file what an epoch came to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from fingerspell.progress import duration
from fingerspell.train.folder import HISTORY, LOGS, write_json
from fingerspell.train.history import Epoch, to_columns


def line(row: Epoch, epochs: int) -> str:
    """Returns one epoch as the console shows it."""
    left_s = (epochs - row.epoch) * row.seconds
    return (
        f"{row.phase:>14} {row.epoch:>3}/{epochs}  loss {row.loss:.3f}  accuracy "
        f"{row.accuracy:6.1%}  |  val loss {row.val_loss:.3f}  accuracy {row.val_accuracy:6.1%}"
        f"  |  {row.pictures_per_s:.0f} pictures/s, {duration(left_s)} left"
    )


class Board:
    """TensorBoard scalars, one point an epoch, on any backend."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary import Writer

        self.writer = Writer(str(folder))

    def add(self, step: int, row: Epoch) -> None:
        for name in ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"):
            self.writer.add_scalar(f"epoch/{name}", getattr(row, name), step)
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class Curves:
    """The history file and TensorBoard's log; a full disk is told of and does not end a run.

    Checkpoints hold the rows too, so that the file is whole again as soon as there is room.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board: Board | None = None

    def write(self, rows: Sequence[Epoch]) -> None:
        """Writes the history of all epochs so far."""
        with _going_on("the history"):
            write_json(self.folder / HISTORY, to_columns(rows))

    def add(self, rows: Sequence[Epoch]) -> None:
        """Tells of the last of all epochs so far."""
        self.write(rows)
        board, self.board = self.board, None  # TensorBoard's writer fails for good once it has.
        with _going_on("TensorBoard's log", Exception):
            board = board or Board(self.folder / LOGS)
            board.add(len(rows), rows[-1])
            self.board = board

    def close(self) -> None:
        """Lets go of TensorBoard's file."""
        with _going_on("TensorBoard's log", Exception):
            if self.board is not None:
                self.board.close()


@contextlib.contextmanager
def _going_on(what: str, errors: type[Exception] = OSError) -> Iterator[None]:
    """Tells of an error while writing; where TensorFlow is, TensorBoard raises errors of its."""
    try:
        yield
    except errors as error:
        print(f"warning: {what} could not be written ({error}); going on", flush=True)
