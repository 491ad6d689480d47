"""One phase, epoch by epoch: it may be interrupted after any step and goes on exactly there."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from fingerspell.config import Phase
from fingerspell.errors import RunError
from fingerspell.progress import Progress
from fingerspell.train import checkpoint
from fingerspell.train.checkpoint import Checkpoint, Position, numbered
from fingerspell.train.features import Batch
from fingerspell.train.folder import HISTORY, LOGS, write_json
from fingerspell.train.guard import all_finite, broken_down
from fingerspell.train.history import Epoch, to_columns
from fingerspell.train.keep import KeepBest
from fingerspell.train.session import Run
from fingerspell.train.watch import Board, line


@dataclass(frozen=True, slots=True)
class Course:
    """What one phase learns: a compiled network, and where its batches come from.

    `batches(n)` yields without end from step n of the phase on, always the same ones; `validate`
    returns loss and accuracy of the weights that the network holds.
    """

    network: keras.Model
    phase: Phase
    index: int
    steps: int
    batches: Callable[[int], Iterator[Batch]]
    validate: Callable[[], dict[str, float]]


class State:
    """How far one phase has come; everything that a checkpoint holds goes through here."""

    def __init__(self, run: Run, course: Course) -> None:
        self.run, self.course = run, course
        self.kept = KeepBest(course.phase.patience_epochs)
        self.epoch = self.step = 0
        self.sums: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.trained_s = 0.0
        self.began_s: float | None = None
        self.saved_s = time.monotonic()
        _build_metrics(course.network)

    @property
    def ended(self) -> bool:
        """Whether the phase has had all its epochs, or stopped getting better."""
        return self.epoch >= self.course.phase.epochs or self.kept.exhausted

    @property
    def where(self) -> str:
        """Names the step for people."""
        course = self.course
        return (
            f"{course.phase.name}, epoch {min(self.epoch + 1, course.phase.epochs)}/"
            f"{course.phase.epochs}, step {self.step}/{course.steps}"
        )

    def learning_rate(self) -> float:
        """Returns the optimizer's rate at its present step."""
        return float(keras.ops.convert_to_numpy(self.course.network.optimizer.learning_rate))

    def broken_down(self, what: str) -> RunError:
        """Returns the error for a run that cannot go on from here."""
        return broken_down(what, self.where, self.learning_rate())

    def epoch_s(self) -> float:
        """Returns the seconds that the steps of this epoch have taken, over all sessions."""
        since_s = 0.0 if self.began_s is None else time.perf_counter() - self.began_s
        return self.trained_s + since_s

    def save(self) -> bool:
        """Writes a checkpoint of this very moment; a full disk is told of and does not end a run.

        `variables` holds the dropout generators' states too, which `get_weights` leaves out:
        without them a continued run would draw other dropout masks.
        """
        network = self.course.network
        model = numbered("model", self.run.model.variables)
        if not all_finite(model.values()):
            raise self.broken_down("weights that are not finite")
        arrays = {
            **model,
            **numbered("optimizer", network.optimizer.variables),
            **numbered("sums", network.metrics_variables),
            **numbered("best", self.kept.weights),
        }
        position = Position(
            fingerprint=self.run.fingerprint,
            phase=self.course.index,
            epoch=self.epoch,
            step=self.step,
            total_steps=self.run.total_steps,
            best_loss=self.kept.best_loss,
            waited_epochs=self.kept.waited_epochs,
            epoch_s=self.epoch_s(),
            spent_s=self.run.spent_s(),
            rows=tuple(self.run.rows),
        )
        self.saved_s = time.monotonic()
        try:
            checkpoint.save(self.run.checkpoints, Checkpoint(position, arrays))
        except OSError as error:
            print(f"warning: no checkpoint could be written ({error}); going on", flush=True)
            return False
        return True

    def restore(self, stored: Checkpoint) -> None:
        """Puts back what `save` wrote; the network must be built and compiled alike."""
        network = self.course.network
        stored.fill("model", self.run.model.variables)
        stored.fill("optimizer", network.optimizer.variables)
        stored.fill("sums", network.metrics_variables)
        self.sums = stored.group("sums")
        self.kept.weights = stored.group("best")
        self.kept.best_loss = stored.position.best_loss
        self.kept.waited_epochs = stored.position.waited_epochs
        self.epoch, self.step = stored.position.epoch, stored.position.step
        self.trained_s = stored.position.epoch_s

    def next_epoch(self) -> None:
        """Moves on to the next epoch's first step."""
        self.epoch, self.step, self.trained_s = self.epoch + 1, 0, 0.0


def _build_metrics(network: keras.Model) -> None:
    """Makes the metrics' variables, which Keras otherwise puts off until the first step."""
    row = np.full((1, int(network.output_shape[-1])), 0.5, np.float32)
    network.compute_metrics(None, row, row, np.ones(1, np.float32))
    network.reset_metrics()


def learn(run: Run, course: Course, stored: Checkpoint | None) -> None:
    """Trains one phase to its end, from `stored` where it was interrupted, and keeps its best."""
    state = State(run, course)
    if stored is not None:
        state.restore(stored)
    board = Board(run.folder / LOGS)
    batches: Iterator[Batch] | None = None
    while not state.ended:
        if state.step < course.steps:
            if batches is None:
                batches = course.batches(state.epoch * course.steps + state.step)
            _train(state, batches)
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
        board.add(len(run.rows), row)
        write_json(run.folder / HISTORY, to_columns(run.rows))
        state.next_epoch()
        state.save()
    board.close()
    state.kept.restore(course.network)


def _train(state: State, batches: Iterator[Batch]) -> None:
    """Trains the rest of one epoch with Keras's own loop."""
    left = state.course.steps - state.step
    state.began_s = time.perf_counter()
    state.course.network.fit(
        (batch for batch in itertools.islice(batches, left)),  # Keras wants a true generator.
        steps_per_epoch=left,
        callbacks=[Steps(state)],
        shuffle=False,
        verbose=0,
    )
    state.trained_s, state.began_s = state.epoch_s(), None


def _validate(state: State) -> dict[str, float]:
    """Validates the averaged weights and lets the best be kept; the raw ones come back after.

    `fit` leaves the averages in the network, and an epoch that was restored at its end does not:
    both are brought to the same here. Keras's own `SwapEMAWeights` swaps by adding and
    subtracting under TensorFlow, which changes the weights by a rounding each time.
    """
    network, variables = state.course.network, state.run.model.variables
    raw = state.weights or [keras.ops.convert_to_numpy(v) for v in variables]
    network.optimizer.finalize_variable_values(network.trainable_weights)
    for variable in network.trainable_weights:
        # JAX now shares one array between weight and average, and validating would give it away.
        variable.assign(keras.ops.convert_to_numpy(variable))
    validated = _as_floats(state.course.validate())
    state.kept.consider(validated["loss"], network)
    for variable, value in zip(variables, raw, strict=True):
        variable.assign(value)
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
        if run.interrupt.asked:
            told = "saved" if self._at_home().save() else "not saved"
            raise KeyboardInterrupt(f"stopped in {state.where}, {told}")
        if time.monotonic() - state.saved_s >= 60 * run.config.save_every_min:
            self._at_home().save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.state.run.interrupt.stepping = False
        self.bar.drop()
        # `fit` is about to put the averaged weights in their place.
        self.state.weights = [keras.ops.convert_to_numpy(v) for v in self.state.run.model.variables]

    def _at_home(self) -> State:
        """Returns the state; reading `model` makes the JAX backend bring its variables home."""
        _ = self.model
        return self.state
