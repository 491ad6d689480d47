"""Training loop: one phase, epoch by epoch, resumable after any step; its optimizer and loss."""

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

from fingerspell.config.phase import Phase
from fingerspell.config.train import TrainConfig
from fingerspell.files import write_json
from fingerspell.progress import Progress, duration, speed
from fingerspell.train import memory
from fingerspell.train.checkpoint import Checkpoint, Epoch, assign, copied, to_columns
from fingerspell.train.devices import is_out_of_memory
from fingerspell.train.features import Batch
from fingerspell.train.run_folder import HISTORY, LOGS
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask, State


class WarmCosine(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rate: linear warm-up, then a stretch of a half cosine that ends at a hundredth.

        rate(t) = peak * min(1, (t + 1) / W) * (0.01 + 0.99 (1 + cos(pi p)) / 2)
        p = a + (b - a) * (t - W) / D, within [a, b]

    W = warmup_share * steps, D = steps - W, (a, b) = `phase.decay`; None: the rate stays at
    its peak. Keras's own `CosineDecay` cannot end half way, where the next phase goes on.
    Reference: Loshchilov & Hutter, SGDR, ICLR 2017.
    """

    def __init__(self, phase: Phase, steps: int) -> None:
        self.phase, self.steps = phase, steps

    def __call__(self, step: Any) -> Any:
        ops, phase = keras.ops, self.phase
        warmup = round(phase.warmup_share * self.steps)
        t = ops.cast(step, "float32")
        done = ops.clip((t - warmup) / max(1, self.steps - warmup), 0.0, 1.0)
        climbed = ops.minimum(1.0, (t + 1) / max(1, warmup))
        if phase.decay is None:
            return phase.learning_rate * climbed
        start, end = phase.decay
        cosine = ops.cos(math.pi * (start + (end - start) * done))
        return phase.learning_rate * climbed * (0.01 + 0.99 * (1 + cosine) / 2)


def _ema_momentum(steps_per_epoch: int, epochs: float) -> float:
    """Returns the decay a step of weights averaged (EMA) over about `epochs` passes.

    Counted in passes, not steps, so that it means the same for small and large data sets.
    """
    return 1 - 1 / max(2.0, epochs * steps_per_epoch)


def compile_for(
    model: keras.Model, phase: Phase, steps_per_epoch: int, config: TrainConfig
) -> None:
    """Compiles `model` for one phase: Adam, cross-entropy, averaged weights (EMA)."""
    optimizer = keras.optimizers.Adam(
        WarmCosine(phase, steps_per_epoch * phase.epochs),
        use_ema=config.average_epochs > 0,
        ema_momentum=_ema_momentum(steps_per_epoch, config.average_epochs),
    )
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    # The averages must exist before a checkpoint can be restored into them.
    model.optimizer.build(model.trainable_variables)


def learn(run: Run, task: PhaseTask, stored: Checkpoint | None) -> None:
    """Trains one phase to its end, from `stored` where it was interrupted; keeps the best weights.

    Each epoch: train its steps, validate, append its metrics, save a checkpoint.
    """
    state = State(run, task)
    memory.compute_in_parts(task.model, task.network, task.phase, run.parts)
    if stored is not None:
        state.restore(stored)
    else:
        state.save()
    curves = _Curves(run.folder) if run.processes.is_rank_zero else None
    batches: Iterator[Batch] | None = None
    while not state.ended:
        if state.step < task.steps:
            if batches is None:
                batches = task.batches(state.epoch * task.steps + state.step)
            if not _train_epoch(state, batches):
                batches = None
                _continue_in_smaller_parts(state)
                continue
        row = _validated_epoch(state)
        print(_line(row, task.phase.epochs), flush=True)
        run.rows.append(row)
        state.next_epoch()
        state.save()
        if curves is not None:
            curves.add(run.rows)
    if state.stopped_early:
        best = state.epoch - state.best_weights.waited_epochs
        print(
            f"{task.phase.name} stops early, after {state.epoch} of {task.phase.epochs} epochs: no "
            f"lower validation loss since epoch {best}, whose weights are kept",
            flush=True,
        )
    if curves is not None:
        curves.write(run.rows)  # A run killed before its last write resumes with no epoch left.
        curves.close()
    state.best_weights.restore(task.network)


def _train_epoch(state: State, batches: Iterator[Batch]) -> bool:
    """Trains the remaining steps of an epoch with `fit`; returns False where memory was full.

    After that the state is half updated, and has to be restored.
    """
    run, left = state.run, state.task.steps - state.step
    steps = Steps(state)
    state.began_s = time.perf_counter()
    try:
        state.task.network.fit(
            (batch for batch in itertools.islice(batches, left)),  # Keras wants a true generator.
            steps_per_epoch=left,
            callbacks=[steps],
            shuffle=False,
            verbose=0,
        )
    except Exception as error:
        if not is_out_of_memory(error):
            memory.refuse_missing_picture(run.manifest, error)
            raise
        if run.processes.rank.world > 1:
            raise memory.too_small_for(state.where, run.processes.rank.world) from error
        return False
    finally:
        steps.bar.drop()
    state.trained_s, state.began_s = state.epoch_s(), None
    return True


def _validated_epoch(state: State) -> Epoch:
    """Validates and returns the metrics of the epoch whose steps are trained."""
    task, started_s = state.task, time.perf_counter()
    trained = _as_floats(task.network.get_metrics_result())
    validated = _validate(state)
    pictures = task.steps * state.run.config.batch_size
    return Epoch(
        phase=task.phase.name,
        epoch=state.epoch + 1,
        loss=trained["loss"],
        accuracy=trained["accuracy"],
        val_loss=validated["loss"],
        val_accuracy=validated["accuracy"],
        learning_rate=state.learning_rate(),
        seconds=round(state.trained_s + time.perf_counter() - started_s, 3),
        pictures_per_s=round(pictures / max(state.trained_s, 1e-9), 4),
    )


def _validate(state: State) -> dict[str, float]:
    """Validates the averaged weights (EMA), offers them as the best, and restores the raw ones.

    After `fit` the network holds the averages; after a restored end of an epoch it does not. Both
    are brought to the same state here. Keras's own `SwapEMAWeights` swaps by adding and subtracting
    under TensorFlow, which changes the weights by a rounding each time.
    """
    network, variables = state.task.network, state.task.model.variables
    raw = state.weights or copied(variables)
    network.optimizer.finalize_variable_values(network.trainable_weights)
    if int(keras.ops.convert_to_numpy(network.optimizer.iterations)) == 0:
        assign(variables, raw)  # Half precision has skipped every step so far: no averages exist.
    for variable in network.trainable_weights:
        # JAX now shares one array between weight and average, and validating would donate it.
        variable.assign(keras.ops.convert_to_numpy(variable))
    # On several devices a replica validates, whose weights are copied anew each time.
    donated = variables if state.run.processes.devices == 1 else ()
    validated = _as_floats(memory.retry_smaller(state.run, donated, state.task.validate))
    state.best_weights.consider(validated["loss"], network)
    assign(variables, raw)
    state.weights = []
    return validated


def _continue_in_smaller_parts(state: State) -> None:
    """Restores the last checkpoint and splits the steps into more parts (out of memory).

    The checkpoint is written again at once, so that a resumed run uses the same parts.
    """
    run, task = state.run, state.task
    gc.collect()  # The traceback of the failed step holds what it computed.
    run.parts, message = memory.split_step(
        run.config.batch_size, run.parts, state.where, run.processes.devices
    )
    state.go_back()
    print(f"{message}, from {state.where}", flush=True)
    memory.compute_in_parts(task.model, task.network, task.phase, run.parts)
    state.save()


def _as_floats(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(keras.ops.convert_to_numpy(value)) for name, value in logs.items()}


class Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Keras callback of one epoch: counts steps, checks for NaN, saves, and stops on request."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state
        task = state.task
        title = f"{task.phase.name} {state.epoch + 1}/{task.phase.epochs}"
        self.bar = Progress(task.steps - state.step, title, "step")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        # Keras has just reset its sums: an epoch that was resumed continues with its own.
        if self.state.step > 0:
            assign(self.model.metrics_variables, self.state.sums)
        self.state.run.interrupt.stepping = True

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        state, run = self.state, self.state.run
        state.step += 1
        run.total_steps += 1
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            raise self._synced_state().diverged(f"a loss of {loss}")
        self.bar.advance(1)
        if self._stop_requested():
            outcome = "saved" if self._synced_state().save() else "not saved"
            raise KeyboardInterrupt(f"stopped in {state.where}, {outcome}")
        if self._is_time_to_save():
            self._synced_state().save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self.state.run.interrupt.stepping = False
        # `fit` replaces the weights by their averages after this.
        self.state.weights = copied(self.state.task.model.variables)

    def _stop_requested(self) -> bool:
        """Whether any process was: all stop after the same step, or some would wait forever."""
        run = self.state.run
        return bool(run.processes.gather(np.array([run.interrupt.asked], np.uint8)).any())

    def _is_time_to_save(self) -> bool:
        config, run = self.state.run.config, self.state.run
        every = config.save_every_steps
        counted = every > 0 and run.total_steps % every == 0
        return counted or time.monotonic() - self.state.saved_s >= 60 * config.save_every_min

    def _synced_state(self) -> State:
        """Returns the state; reading `model` makes the JAX backend write its variables back."""
        _ = self.model
        return self.state


class _Curves:
    """Writes the history file and TensorBoard's log; a full disk prints a warning.

    Checkpoints hold the rows too, so the file is complete again as soon as there is room.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.board: _Board | None = None

    def write(self, rows: Sequence[Epoch]) -> None:
        """Writes the history of all epochs so far."""
        with _warn_of("the history"):
            write_json(self.folder / HISTORY, to_columns(rows))

    def add(self, rows: Sequence[Epoch]) -> None:
        """Writes the history, and adds its last epoch to TensorBoard's log."""
        self.write(rows)
        board, self.board = self.board, None  # TensorBoard's writer never works again once failed.
        with _warn_of("TensorBoard's log", Exception):
            board = board or _Board(self.folder / LOGS)
            board.add(len(rows), rows[-1])
            self.board = board

    def close(self) -> None:
        """Closes TensorBoard's file."""
        with _warn_of("TensorBoard's log", Exception):
            if self.board is not None:
                self.board.close()


class _Board:
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


@contextlib.contextmanager
def _warn_of(what: str, errors: type[Exception] = OSError) -> Iterator[None]:
    """Prints an error while writing; beside TensorFlow, TensorBoard raises TensorFlow's errors."""
    try:
        yield
    except errors as error:
        print(f"warning: {what} could not be written ({error}); going on", flush=True)


def _line(row: Epoch, epochs: int) -> str:
    left_s = (epochs - row.epoch) * row.seconds
    return (
        f"{row.phase:>14} {row.epoch:>3}/{epochs}  loss {row.loss:.3f}  accuracy "
        f"{row.accuracy:6.1%}  |  val loss {row.val_loss:.3f}  accuracy {row.val_accuracy:6.1%}"
        f"  |  {speed(row.pictures_per_s, 'pictures')}, {duration(left_s)} left"
    )
