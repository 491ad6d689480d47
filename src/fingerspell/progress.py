"""Progress bar on standard error: count, rate and time left; durations as text."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_TERMINAL_EVERY_S = 0.1
_LOG_EVERY_S = 30.0


class Progress:
    """Counts towards a total and shows it: often on a terminal, every few seconds in a log.

        with Progress(87_000, "checking", "pictures") as progress:
            progress.advance(64)

    `note` is free text behind the figures (a loss, an accuracy). A total of 0 means unknown.
    """

    def __init__(
        self, total: int, label: str, unit: str = "pictures", stream: TextIO | None = None
    ) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.done = 0
        self.note = ""
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = self._shown = time.monotonic()
        self._width = 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """Adds `count` and shows the line when its time has come."""
        self.done += count
        if note is not None:
            self.note = note
        now = time.monotonic()
        if now - self._shown >= (_TERMINAL_EVERY_S if self._terminal else _LOG_EVERY_S):
            self._shown = now
            self._show(_line(self, now - self._started))

    def close(self) -> None:
        """Shows the last line; on a terminal it stays, in a log it says how long it took."""
        self._show(_line(self, time.monotonic() - self._started, ended=True))
        if self._terminal:
            print(file=self._stream, flush=True)

    def drop(self) -> None:
        """Ends without a last line, where the caller says more than the bar could."""
        if self._terminal:
            print("\r" + " " * self._width + "\r", end="", file=self._stream, flush=True)

    def _show(self, text: str) -> None:
        if self._terminal:
            print(f"\r{text:<{self._width}}", end="", file=self._stream, flush=True)
            self._width = len(text)
        else:
            print(text, file=self._stream, flush=True)


def _line(progress: Progress, elapsed_s: float, *, ended: bool = False) -> str:
    """Returns what is shown after `elapsed_s`, e.g. `checking 64/348 pictures  81/s  3 s left`."""
    rate = progress.done / elapsed_s if elapsed_s > 0 else 0.0
    count = f"{progress.done:,}/{progress.total:,}" if progress.total else f"{progress.done:,}"
    parts = [f"{progress.label} {count} {progress.unit}", *([speed(rate)] if rate else [])]
    if ended:
        parts.append(f"in {duration(elapsed_s)}")
    elif rate > 0 and progress.total > progress.done:
        parts.append(f"{duration((progress.total - progress.done) / rate)} left")
    return "  ".join([*parts, progress.note]).rstrip()


def speed(per_s: float, unit: str = "") -> str:
    """Returns `1,200/s`, `2.5 steps/s`, or `4.0 s each` for what takes longer than a second."""
    if per_s < 1:
        return f"{duration(1 / per_s)} each"
    return f"{per_s:,.{0 if per_s >= 10 else 1}f}{f' {unit}' if unit else ''}/s"


def duration(seconds: float) -> str:
    """Returns `3.2 s`, `45 s`, `2 min 05 s` or `1 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
