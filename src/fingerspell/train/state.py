"""State of a phase in training: progress, best weights, NaN check, saving and restoring."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import keras
import numpy as np

from fingerspell.config.phase import Phase
from fingerspell.errors import RunError
from fingerspell.train import checkpoint
from fingerspell.train.checkpoint import Checkpoint, Position, numbered
from fingerspell.train.features import Batch
from fingerspell.train.session import Run

_MIN_GAIN = 1e-3
"""A validation loss must fall by at least this much to count as better."""

_MIN_LOSS_SCALE = 1.0
"""Half precision holds gradients up to 65504: those that need a smaller scale have diverged."""


@dataclass(frozen=True, slots=True)
class PhaseTask:
    """What one phase trains: a compiled network, its batches, and its validation.

    `network` is `model` or its head; `model`, a recogniser at the phase's picture size, holds
    everything that a checkpoint has to contain. `batches(n)` yields without end from step n of the
    phase on, always the same ones. `validate` returns loss and accuracy of the network's current
    weights.
    """

    model: keras.Model
    network: keras.Model
    phase: Phase
    index: int
    steps: int
    batches: Callable[[int], Iterator[Batch]]
    validate: Callable[[], dict[str, float]]


class _BestWeights:
    """Keeps the weights of the best validation so far, and counts the epochs without gain."""

    def __init__(self, patience_epochs: int) -> None:
        self.patience_epochs = patience_epochs
        self.best_loss = float("inf")
        self.waited_epochs = 0
        self.weights: list[np.ndarray] = []

    def consider(self, loss: float, network: keras.Model) -> None:
        """Takes the weights that were validated with `loss`, if they are the best so far."""
        if loss < self.best_loss - _MIN_GAIN:
            self.best_loss, self.waited_epochs = loss, 0
            self.weights = network.get_weights()
        else:
            self.waited_epochs += 1

    @property
    def exhausted(self) -> bool:
        """Whether `patience_epochs` passed without gain; never, where that is 0."""
        return 0 < self.patience_epochs <= self.waited_epochs

    def restore(self, network: keras.Model) -> None:
        """Puts the best weights back; does nothing where no validation ever ran."""
        if self.weights:
            network.set_weights(self.weights)


class DivergedError(RunError):
    """Training diverged (NaN or infinite values); other settings may train."""


class State:
    """How far one phase is; `save` writes all of it into a checkpoint, `restore` reads it."""

    def __init__(self, run: Run, task: PhaseTask) -> None:
        self.run, self.task = run, task
        self.best_weights = _BestWeights(task.phase.patience_epochs)
        self.epoch = self.step = 0
        self.sums: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.trained_s = 0.0
        self.began_s: float | None = None
        self.saved_s = time.monotonic()
        _build_metrics(task.network)

    @property
    def ended(self) -> bool:
        """Whether the phase has had all its epochs, or its patience is exhausted."""
        return self.epoch >= self.task.phase.epochs or self.stopped_early

    @property
    def stopped_early(self) -> bool:
        """Whether patience ends the phase before its last epoch."""
        return self.epoch < self.task.phase.epochs and self.best_weights.exhausted

    @property
    def where(self) -> str:
        """Names the current step in messages."""
        phase = self.task.phase
        return (
            f"{phase.name}, epoch {min(self.epoch + 1, phase.epochs)}/{phase.epochs}, "
            f"step {self.step}/{self.task.steps}"
        )

    def learning_rate(self) -> float:
        """Returns the optimizer's rate at its current step."""
        return float(keras.ops.convert_to_numpy(self.task.network.optimizer.learning_rate))

    def diverged(self, what: str) -> DivergedError:
        """Returns the error for `what` was found in the current step."""
        return DivergedError(
            found=f"{what} in {self.where}, at a learning rate of {self.learning_rate():.3g}",
            expected="finite numbers; the last good weights are kept in checkpoints/",
            fix="start afresh with --overwrite and another --seed, a larger --batch_size or other "
            "--weights; in a configuration of your own, with a smaller learning_rate",
        )

    def epoch_s(self) -> float:
        """Returns the seconds that the steps of this epoch have taken, over all sessions."""
        since_s = 0.0 if self.began_s is None else time.perf_counter() - self.began_s
        return self.trained_s + since_s

    def next_epoch(self) -> None:
        """Moves on to the next epoch's first step."""
        self.epoch, self.step, self.trained_s = self.epoch + 1, 0, 0.0

    def save(self) -> bool:
        """Writes a checkpoint of this moment; a full disk prints a warning and returns False.

        Of several processes, which all hold the same values, rank 0 alone writes.
        """
        self.saved_s = time.monotonic()
        if not self.run.processes.is_rank_zero:
            return True
        arrays = numbered({**self._variables(), "best": self.best_weights.weights})
        self._check_finite(arrays)
        position = Position(
            fingerprint=self.run.fingerprint,
            phase=self.task.index,
            epoch=self.epoch,
            step=self.step,
            total_steps=self.run.total_steps,
            best_loss=self.best_weights.best_loss,
            waited_epochs=self.best_weights.waited_epochs,
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
        """Restores what `save` wrote; the network must be built and compiled alike."""
        stored.restore(self._variables())
        position, best = stored.position, self.best_weights
        self.sums, best.weights = stored.group("sums"), stored.group("best")
        best.best_loss, best.waited_epochs = position.best_loss, position.waited_epochs
        self.epoch, self.step = position.epoch, position.step
        self.trained_s, self.began_s = position.epoch_s, None

    def go_back(self) -> None:
        """Restores the last checkpoint: a step that failed may have changed some weights."""
        run = self.run
        stored = checkpoint.latest(run.checkpoints)
        if stored is None or stored.position.phase != self.task.index:
            raise RunError(
                found=f"memory was full in {self.where}, and no checkpoint of this phase could "
                "be written",
                expected="a checkpoint to go back to: a step that fails may leave weights half new",
                fix="make room on the disk, then give the same command with --resume",
            )
        self.restore(stored)
        run.rows[:] = stored.position.rows
        run.total_steps = stored.position.total_steps

    def _variables(self) -> dict[str, list[keras.Variable]]:
        """Returns all variables of a checkpoint, by group.

        `model.variables` includes the states of the dropout generators, which `get_weights` omits:
        without them a resumed run would draw other dropout masks.
        """
        network = self.task.network
        return {
            "model": self.task.model.variables,
            "optimizer": network.optimizer.variables,
            "sums": network.metrics_variables,
        }

    def _check_finite(self, arrays: dict[str, np.ndarray]) -> None:
        """Raises `DivergedError` for weights or gradients that are not finite (NaN check)."""
        if not _all_finite(value for name, value in arrays.items() if name.startswith("model/")):
            raise self.diverged("weights that are not finite")
        if _loss_scale_vanished(self.task.network.optimizer):
            raise self.diverged("gradients that are not finite in many steps on end")


def _all_finite(arrays: Iterable[np.ndarray]) -> bool:
    return all(bool(np.isfinite(a).all()) for a in arrays if a.dtype.kind == "f")


def _loss_scale_vanished(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether `mixed_float16` halved its loss scale below 1: step after step was skipped.

    A few skipped steps are normal: that is how the scale is found.
    """
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return False
    return float(keras.ops.convert_to_numpy(optimizer.dynamic_scale)) < _MIN_LOSS_SCALE


def _build_metrics(network: keras.Model) -> None:
    """Creates the metrics' variables, which Keras otherwise creates in the first step."""
    row = np.full((1, int(network.output_shape[-1])), 0.5, np.float32)
    network.compute_metrics(None, row, row, np.ones(1, np.float32))
    network.reset_metrics()
