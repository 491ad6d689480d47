"""Draws with every core: other processes of this Python, each with a share of the pictures.

They are plain processes and not `multiprocessing`'s, which would run a user's script anew on
Windows and macOS.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fingerspell.cores import usable_cores

LEAST_APART = 400
"""Fewer pictures take no longer than starting a process."""

_MOST = 16


@dataclass(frozen=True, slots=True)
class Share:
    """Every `of`-th piece of some work, from piece `number` on."""

    number: int
    of: int

    def takes(self, piece: int) -> bool:
        """Says whether this share has that piece."""
        return piece % self.of == self.number


def shares(pictures: int) -> list[Share]:
    """Returns one share a core; one alone where there is too little to draw."""
    count = min(_MOST, usable_cores()) if pictures >= LEAST_APART else 1
    return [Share(number, count) for number in range(count)]


def done_by_all(work: Callable[..., None], chosen: Sequence[Share], *arguments: object) -> None:
    """Calls `work(share, *arguments)` for every share, the first here and the others beside it.

    `work` must be a module's function, and everything picklable. A share that fails elsewhere is
    done here again, so that its error is raised as if there were one process.
    """
    children: list[subprocess.Popen[bytes]] = []
    try:
        children += [_started(work, share, arguments) for share in chosen[1:]]
        work(chosen[0], *arguments)
        for child, share in zip(children, chosen[1:], strict=True):
            if child.wait() != 0:
                work(share, *arguments)
    finally:
        for child in children:
            child.kill()
            child.wait()


def _started(
    work: Callable[..., None], share: Share, arguments: Sequence[object]
) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-c", f"import {__name__} as s; s._child()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    with contextlib.suppress(BrokenPipeError), child.stdin or contextlib.nullcontext() as line:
        if line is not None:
            line.write(pickle.dumps((work, share, arguments)))
    return child


def _child() -> None:
    import cv2

    cv2.setNumThreads(1)
    work, share, arguments = pickle.load(sys.stdin.buffer)
    work(share, *arguments)
