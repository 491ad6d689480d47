"""Tells the console, TensorBoard and the history file what an epoch came to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from fingerspell.progress import Progress, duration
from fingerspell.train.history import Epoch


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Measures each epoch and hands its row to `told`."""

    def __init__(self, phase: str, epochs: int, pictures: int, told: Callable[[Epoch], None]):
        super().__init__()
        self.phase, self.epochs, self.pictures, self.told = phase, epochs, pictures, told
        self.started_s = 0.0
        self.bar: Progress | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.started_s = time.perf_counter()
        self.trained_s = 0.0
        title = f"{self.phase} {epoch + 1}/{self.epochs}"
        self.bar = Progress(int(self.params["steps"] or 0), title, "step")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        if self.bar:
            self.bar.advance(1)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.trained_s = time.perf_counter() - self.started_s

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.bar:
            self.bar.drop()
        seconds = time.perf_counter() - self.started_s
        values = {k: float(v) for k, v in (logs or {}).items()}
        row = Epoch(
            phase=self.phase,
            epoch=epoch + 1,
            loss=values["loss"],
            accuracy=values["accuracy"],
            val_loss=values["val_loss"],
            val_accuracy=values["val_accuracy"],
            learning_rate=_learning_rate(self.model),
            seconds=round(seconds, 3),
            pictures_per_s=round(self.pictures / max(self.trained_s, 1e-9), 1),
        )
        print(line(row, self.epochs), flush=True)
        self.told(row)


def _learning_rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def line(row: Epoch, epochs: int) -> str:
    """Returns one epoch as the console shows it."""
    left_s = (epochs - row.epoch) * row.seconds
    return (
        f"{row.phase:>9} {row.epoch:>3}/{epochs}  loss {row.loss:.3f}  accuracy "
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
