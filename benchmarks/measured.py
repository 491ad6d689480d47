"""Commands in processes of their own: wall time, processor time, peak memory, or an answer."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Measured:
    """Runs a command to its end; standard output and standard error go to files beside `log`."""
    before, started = os.times(), time.perf_counter()
    out, err, peak = log.with_suffix(".out"), log.with_suffix(".err"), 0
    with (
        out.open("w", encoding="utf-8") as told,
        err.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            list(command), stdout=told, stderr=errors, env={**os.environ, **(environment or {})}
        ) as process,
    ):
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(_EVERY_S)
    wall_s = time.perf_counter() - started
    cpu_s = sum(os.times()[2:4]) - sum(before[2:4])
    text = out.read_text(encoding="utf-8", errors="replace")
    return Measured(process.returncode, round(wall_s, 2), round(cpu_s, 2), peak, text)


def _resident(pid: int) -> int:
    import psutil  # Not at the top: `answer_of` also serves a Python without it.

    total = 0
    with contextlib.suppress(psutil.Error):  # A process ended in between.
        first = psutil.Process(pid)
        for one in (first, *first.children(recursive=True)):
            total += one.memory_info().rss
    return total


def answer_of(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Runs one of our programs; returns the JSON of its last line, raises where it fails."""
    answer = subprocess.run(
        [sys.executable, program, *arguments], env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE, encoding="utf-8", check=True,
    )  # fmt: skip
    return json.loads(answer.stdout.strip().splitlines()[-1])
