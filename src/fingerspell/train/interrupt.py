"""Ctrl-C in training: the step is finished and saved; a second one stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Whether somebody asked to stop, and whether a step is in progress that can be finished."""

    def __init__(self) -> None:
        self.asked = False
        self.stepping = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """The signal handler; outside the steps there is nothing to finish."""
        if self.asked or not self.stepping:
            raise KeyboardInterrupt
        self.asked = True
        print("stopping: finishing this step … (Ctrl-C again stops at once)", flush=True)


@contextmanager
def listening() -> Iterator[Interrupt]:
    """Takes over Ctrl-C and SIGTERM for as long as a run trains.

    Python handles signals in its main thread only: elsewhere nothing is taken over.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            # None: a handler that was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
