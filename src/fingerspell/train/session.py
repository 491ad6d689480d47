"""A run in one session: the state that its phases share, and the handling of Ctrl-C."""

import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import keras

from fingerspell.config.train import TrainConfig
from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.loading.sampling import epoch_length
from fingerspell.train.checkpoint import Checkpoint, Epoch
from fingerspell.train.distributed.process_group import ALONE, ProcessGroup
from fingerspell.train.run_folder import CHECKPOINTS

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Interrupt:
    """A signal handler: whether a stop was requested, and whether a step is in progress."""

    def __init__(self) -> None:
        self.asked = False
        self.stepping = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Handles a signal: finishes the step in progress, or stops at once outside of steps."""
        if self.asked or not self.stepping:
            raise KeyboardInterrupt
        self.asked = True
        print("stopping: finishing this step … (Ctrl-C again stops at once)", flush=True)


@contextmanager
def handle_signals() -> Iterator[_Interrupt]:
    """Handles Ctrl-C and SIGTERM while a run trains.

    Python handles signals in its main thread only: in other threads this does nothing.
    """
    interrupt = _Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            # None: a handler that was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@dataclass(slots=True)
class Run:
    """One run in one session, which may continue earlier sessions.

    `total_steps` and `earlier_s` count over all sessions: the steps so far, and the seconds of the
    sessions before this one. Where memory is small, a training step computes its batch in `parts`
    equal parts, and inference takes a batch that was halved `halvings` times.
    """

    config: TrainConfig
    manifest: Manifest
    model: keras.Model
    fingerprint: str
    processes: ProcessGroup = ALONE
    interrupt: _Interrupt = field(default_factory=_Interrupt)
    rows: list[Epoch] = field(default_factory=list)
    total_steps: int = 0
    parts: int = 1
    halvings: int = 0
    earlier_s: float = 0.0
    started_s: float = field(default_factory=time.perf_counter)

    @property
    def folder(self) -> Path:
        """Returns the run folder."""
        return self.config.output_dir

    @property
    def checkpoints(self) -> Path:
        """Returns the folder of the checkpoints."""
        return self.folder / CHECKPOINTS

    @property
    def synthetic(self) -> Path:
        """Returns the folder of the run's synthetic hands, named after its settings."""
        return self.checkpoints / f"synthetic_{self.fingerprint[:12]}"

    def resume_from(self, stored: Checkpoint) -> None:
        """Takes over the metrics and counters of the earlier sessions."""
        self.rows.extend(stored.position.rows)
        self.total_steps = stored.position.total_steps
        self.parts = stored.position.parts
        self.earlier_s = stored.position.spent_s

    def spent_s(self) -> float:
        """Returns the seconds that the run has taken, over all sessions."""
        return self.earlier_s + time.perf_counter() - self.started_s

    def training_pictures(self) -> int:
        """Returns the number of pictures of one epoch under the run's sampling."""
        return epoch_length(self.manifest.split("train"), self.config.sampling)

    def steps(self) -> int:
        """Returns the steps of one epoch; the last, incomplete batch is filled from the next."""
        return max(1, self.training_pictures() // self.config.batch_size)

    def pictures_at_once(self) -> int:
        """Returns the batch size of inference."""
        return max(1, self.config.batch_size >> self.halvings)

    def validation_steps(self) -> int:
        """Returns the batches of one validation pass, the last of them maybe short."""
        return math.ceil(len(self.held_out()) / self.pictures_at_once())

    def held_out(self) -> tuple[Sample, ...]:
        """Returns this process's share of the validation split."""
        return self.processes.mine(self.manifest.split("val"))
