"""Tells the console, TensorBoard and the history file what an epoch came to."""

from __future__ import annotations

from pathlib import Path

from fingerspell.progress import duration
from fingerspell.train.history import Epoch


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
