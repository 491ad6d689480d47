"""One phase, epoch by epoch: it may be interrupted after any step and goes on exactly there."""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.files import write_json
from fingerspell.progress import Progress, duration
from fingerspell.train import memory
from fingerspell.train.checkpoint import Checkpoint, Epoch, copied, fill, to_columns
from fingerspell.train.devices import is_out_of_memory
from fingerspell.train.features import Batch
from fingerspell.train.memory import refuse_missing_picture
from fingerspell.train.run_folder import HISTORY, LOGS
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask, State


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


def learn(run: Run, course: PhaseTask, stored: Checkpoint | None) -> None:
    """Trains one phase to its end, from `stored` where it was interrupted, and keeps its best."""
    state = State(run, course)
    memory.cut_steps(course.model, course.network, course.phase, run.parts)
    if stored is not None:
        state.restore(stored)
    else:
        state.save()
    curves = Curves(run.folder) if run.processes.is_rank_zero else None
    batches: Iterator[Batch] | None = None
    while not state.ended:
        if state.step < course.steps:
            if batches is None:
                batches = course.batches(state.epoch * course.steps + state.step)
            if not _fits(state, batches):
                batches = None
                _go_on_in_smaller_parts(state)
                continue
        started_s = time.perf_counter()
        trained = _as_floats(course.network.get_metrics_result())
        validated = _validate(state)
        row = Epoch(
            phase=course.phase.name,
            epoch=state.epoch + 1,
            loss=trained["loss"],
            accuracy=trained["accuracy"],
            val_loss=validated["loss"],
            val_accuracy=validated["accuracy"],
            learning_rate=state.learning_rate(),
            seconds=round(state.trained_s + time.perf_counter() - started_s, 3),
            pictures_per_s=round(
                course.steps * run.config.batch_size / max(state.trained_s, 1e-9), 1
            ),
        )
        print(line(row, course.phase.epochs), flush=True)
        run.rows.append(row)
        state.next_epoch()
        state.save()
        if curves is not None:
            curves.add(run.rows)
    if curves is not None:
        curves.write(run.rows)  # A run that died just before goes on with nothing left to train.
        curves.close()
    state.kept.restore(course.network)


def _fits(state: State, batches: Iterator[Batch]) -> bool:
    """Trains the rest of one epoch; False where memory was full, and then the state is torn."""
    try:
        _train(state, batches)
    except Exception as error:
        if not is_out_of_memory(error):
            refuse_missing_picture(state.run.manifest, error)
            raise
        if state.run.processes.place.world > 1:
            raise memory.too_small_for(state.where, state.run.processes.place.world) from error
        return False
    return True


def _go_on_in_smaller_parts(state: State) -> None:
    """Goes back to the last checkpoint, and on from there with fewer pictures at once.

    It is written again at once: killed and resumed, a run goes on in the same parts.
    """
    run, course = state.run, state.course
    gc.collect()  # What the failed step computed hangs on its traceback.
    run.parts, said = memory.finer(
        run.config.batch_size, run.parts, state.where, run.processes.devices
    )
    state.go_back()
    print(f"{said}, from {state.where}", flush=True)
    memory.cut_steps(course.model, course.network, course.phase, run.parts)
    state.save()


def _train(state: State, batches: Iterator[Batch]) -> None:
    """Trains the rest of one epoch with Keras's own loop."""
    left, steps = state.course.steps - state.step, Steps(state)
    state.began_s = time.perf_counter()
    try:
        state.course.network.fit(
            (batch for batch in itertools.islice(batches, left)),  # Keras wants a true generator.
            steps_per_epoch=left,
            callbacks=[steps],
            shuffle=False,
            verbose=0,
        )
    finally:
        steps.bar.drop()
    state.trained_s, state.began_s = state.epoch_s(), None


def _validate(state: State) -> dict[str, float]:
    """Validates the averaged weights and lets the best be kept; the raw ones come back after.

    `fit` leaves the averages in the network, and an epoch that was restored at its end does not:
    both are brought to the same here. Keras's own `SwapEMAWeights` swaps by adding and
    subtracting under TensorFlow, which changes the weights by a rounding each time.
    """
    network, variables = state.course.network, state.course.model.variables
    raw = state.weights or copied(variables)
    network.optimizer.finalize_variable_values(network.trainable_weights)
    if int(keras.ops.convert_to_numpy(network.optimizer.iterations)) == 0:
        fill(variables, raw)  # Half precision has skipped every step so far: no averages exist.
    for variable in network.trainable_weights:
        # JAX now shares one array between weight and average, and validating would give it away.
        variable.assign(keras.ops.convert_to_numpy(variable))
    # One process of several reads with a copy, which gets its weights anew by itself.
    given_away = variables if state.run.processes.devices == 1 else ()
    validated = _as_floats(memory.patiently(state.run, given_away, state.course.validate))
    state.kept.consider(validated["loss"], network)
    fill(variables, raw)
    state.weights = []
    return validated


def _as_floats(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(keras.ops.convert_to_numpy(value)) for name, value in logs.items()}


class Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Follows one epoch step by step: counts, guards, saves in time, and stops when asked to."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        course = state.course
        title = f"{course.phase.name} {state.epoch + 1}/{course.phase.epochs}"
        self.bar = Progress(course.steps - state.step, title, "step")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # Keras has just set its sums to nothing: an epoch that goes on goes on counting.
        if self.state.step > 0:
            for variable, value in zip(self.model.metrics_variables, self.state.sums, strict=True):
                variable.assign(value)
        self.state.run.interrupt.stepping = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        state, run = self.state, self.state.run
        state.step += 1
        run.total_steps += 1
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            raise self._at_home().broken_down(f"a loss of {loss}")
        self.bar.advance(1)
        if self._asked_to_stop():
            told = "saved" if self._at_home().save() else "not saved"
            raise KeyboardInterrupt(f"stopped in {state.where}, {told}")
        if self._is_time_to_save():
            self._at_home().save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.state.run.interrupt.stepping = False
        # `fit` is about to put the averaged weights in their place.
        self.state.weights = copied(self.state.course.model.variables)

    def _asked_to_stop(self) -> bool:
        """Whether anybody was: all processes stop after the same step, or some would wait."""
        run = self.state.run
        return bool(run.processes.gather(np.array([run.interrupt.asked], np.uint8)).any())

    def _is_time_to_save(self) -> bool:
        config, run = self.state.run.config, self.state.run
        every = config.save_every_steps
        counted = every > 0 and run.total_steps % every == 0
        return counted or time.monotonic() - self.state.saved_s >= 60 * config.save_every_min

    def _at_home(self) -> State:
        """Returns the state; reading `model` makes the JAX backend bring its variables home."""
        _ = self.model
        return self.state
