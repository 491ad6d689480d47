"""A command's wall time, processor time and peak memory, its child processes included."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_S = 0.05


@dataclass(frozen=True)
class Measured:
    """What one run took. `peak_bytes` is the largest sum of resident memory, seen 20 times a
    second; pages that processes share count once for each."""

    returncode: int
    wall_s: float
    cpu_s: float
    peak_bytes: int
    output: str


def measured(
    command: Sequence[str], log: Path, environment: dict[str, str] | None = None
) -> Measured:
    """Runs a command to its end; standard output and standard error go to files beside `log`."""
    before = os.times()
    started = time.perf_counter()
    peak = 0
    with (
        log.with_suffix(".out").open("w", encoding="utf-8") as out,
        log.with_suffix(".err").open("w", encoding="utf-8") as err,
        subprocess.Popen(
            list(command), stdout=out, stderr=err, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(_EVERY_S)
    wall_s = time.perf_counter() - started
    after = os.times()
    cpu_s = sum(after[2:4]) - sum(before[2:4])
    text = log.with_suffix(".out").read_text(encoding="utf-8", errors="replace")
    return Measured(process.returncode, round(wall_s, 2), round(cpu_s, 2), peak, text)


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:  # It ended in between.
            continue
    return total
