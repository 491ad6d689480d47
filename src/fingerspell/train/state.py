"""How far a phase has come: what a checkpoint holds, and how it comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from fingerspell.config import Phase
from fingerspell.errors import RunError
from fingerspell.train import checkpoint
from fingerspell.train.checkpoint import Checkpoint, Position, numbered
from fingerspell.train.features import Batch
from fingerspell.train.session import Run

MIN_LOSS_SCALE = 1.0
"""Half precision holds gradients up to 65504: those that do not fit unscaled have broken down."""


def all_finite(arrays: Iterable[np.ndarray]) -> bool:
    """Whether every number of the floating-point arrays is finite."""
    return all(bool(np.isfinite(a).all()) for a in arrays if a.dtype.kind == "f")


class DivergedError(RunError):
    """Training that broke down by itself; with other settings it need not."""


def scaled_away(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether step after step was skipped, the loss scale halved each time, and none could fit.

    A few such steps are normal under `mixed_float16`: that is how the scale is found.
    """
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return False
    return float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)) < MIN_LOSS_SCALE


def broken_down(what: str, where: str, learning_rate: float) -> DivergedError:
    """Returns the error for `what` was found in the step that `where` names."""
    return DivergedError(
        found=f"{what} in {where}, at a learning rate of {learning_rate:.3g}",
        expected="finite numbers; the last good weights are kept in checkpoints/",
        fix="start afresh with --overwrite and another --seed, a larger --batch_size or other "
        "--weights; in a configuration of your own, with a smaller learning_rate",
    )


MIN_GAIN = 1e-3
"""A validation loss must fall by at least this much to count as better."""


class BestWeights:
    """Remembers the weights of the best validation so far; plain data for a checkpoint to carry."""

    def __init__(self, patience_epochs: int) -> None:
        self.patience_epochs = patience_epochs
        self.best_loss = float("inf")
        self.waited_epochs = 0
        self.weights: list[np.ndarray] = []

    def consider(self, loss: float, network: keras.Model) -> None:
        """Takes the weights that were validated with `loss`, if they are the best so far."""
        if loss < self.best_loss - MIN_GAIN:
            self.best_loss, self.waited_epochs = loss, 0
            self.weights = network.get_weights()
        else:
            self.waited_epochs += 1

    @property
    def exhausted(self) -> bool:
        """Whether `patience_epochs` went by without gain; never, where there are none."""
        return 0 < self.patience_epochs <= self.waited_epochs

    def restore(self, network: keras.Model) -> None:
        """Puts the best weights back; does nothing where no validation ever ran."""
        if self.weights:
            network.set_weights(self.weights)


@dataclass(frozen=True, slots=True)
class PhaseTask:
    """What one phase learns: a compiled network, and where its batches come from.

    `network` is `model` or its head; `model`, a recogniser at the phase's picture size, holds
    everything that a checkpoint has to keep. `batches(n)` yields without end from step n of the
    phase on, always the same ones; `validate` returns loss and accuracy of the weights that the
    network holds.
    """

    model: keras.Model
    network: keras.Model
    phase: Phase
    index: int
    steps: int
    batches: Callable[[int], Iterator[Batch]]
    validate: Callable[[], dict[str, float]]


class State:
    """How far one phase has come; everything that a checkpoint holds goes through here."""

    def __init__(self, run: Run, course: PhaseTask) -> None:
        self.run, self.course = run, course
        self.kept = BestWeights(course.phase.patience_epochs)
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
        without them a continued run would draw other dropout masks. Of several processes, which all
        hold the same, the chief alone writes.
        """
        self.saved_s = time.monotonic()
        if not self.run.processes.is_rank_zero:
            return True
        network = self.course.network
        model = numbered("model", self.course.model.variables)
        if not all_finite(model.values()):
            raise self.broken_down("weights that are not finite")
        if scaled_away(network.optimizer):
            raise self.broken_down("gradients that are not finite in many steps on end")
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
            parts=self.run.parts,
            rows=tuple(self.run.rows),
        )
        try:
            checkpoint.save(self.run.checkpoints, Checkpoint(position, arrays))
        except OSError as error:
            print(f"warning: no checkpoint could be written ({error}); going on", flush=True)
            return False
        return True

    def restore(self, stored: Checkpoint) -> None:
        """Puts back what `save` wrote; the network must be built and compiled alike."""
        network = self.course.network
        stored.fill("model", self.course.model.variables)
        stored.fill("optimizer", network.optimizer.variables)
        stored.fill("sums", network.metrics_variables)
        self.sums = stored.group("sums")
        self.kept.weights = stored.group("best")
        self.kept.best_loss = stored.position.best_loss
        self.kept.waited_epochs = stored.position.waited_epochs
        self.epoch, self.step = stored.position.epoch, stored.position.step
        self.trained_s, self.began_s = stored.position.epoch_s, None

    def go_back(self) -> None:
        """Puts back the last state on the disk: a step that failed may be half done."""
        run = self.run
        stored = checkpoint.latest(run.checkpoints)
        if stored is None or stored.position.phase != self.course.index:
            raise RunError(
                found=f"memory was full in {self.where}, and no checkpoint of this phase could "
                "be written",
                expected="a checkpoint to go back to: a step that fails may leave weights half new",
                fix="make room on the disk, then give the same command with --resume",
            )
        self.restore(stored)
        run.rows[:] = stored.position.rows
        run.total_steps = stored.position.total_steps

    def next_epoch(self) -> None:
        """Moves on to the next epoch's first step."""
        self.epoch, self.step, self.trained_s = self.epoch + 1, 0, 0.0


def _build_metrics(network: keras.Model) -> None:
    """Makes the metrics' variables, which Keras otherwise puts off until the first step."""
    row = np.full((1, int(network.output_shape[-1])), 0.5, np.float32)
    network.compute_metrics(None, row, row, np.ones(1, np.float32))
    network.reset_metrics()
