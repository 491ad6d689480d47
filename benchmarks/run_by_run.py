"""Long studies, run by run: what is finished is kept, and a second call does what is left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One run: where its figures are kept, what is known of it before, and what it does.

    `known` holds the `fingerprint` of its settings and data, without which nothing is reused.
    """

    title: str
    path: Path
    known: Figures
    work: Callable[[], Figures]


def kept(path: Path, fingerprint: str) -> Figures | None:
    """Returns the figures of a finished run; nothing where there are none or of another run."""
    if not path.is_file():
        return None
    found: Figures = json.loads(path.read_text(encoding="utf-8"))
    return found if found["fingerprint"] == fingerprint else None


def run_by_run(jobs: Iterable[Job], budget_s: float, write: Callable[[list[Figures]], None]) -> int:
    """Does the jobs that are left; none begins after `budget_s`. `write` gets all runs so far.

    Returns the exit code: 0, or 3 where some are left.
    """
    started_s = time.perf_counter()
    runs: list[Figures] = []
    left = 0
    for job in jobs:
        found = kept(job.path, job.known["fingerprint"])
        if found is None and time.perf_counter() - started_s >= budget_s:
            left += 1
            continue
        if found is None:
            print(f"=== {job.title}", flush=True)
            found = {**job.known, **job.work()}
            job.path.write_text(json.dumps(found), encoding="utf-8", newline="\n")
        runs.append(found)
        write(runs)
    print(f"{len(runs)} runs measured, {left} left", flush=True)
    return 0 if left == 0 else 3
