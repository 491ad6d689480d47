"""A training in a process of its own, to be killed: arguments DATA OUTPUT KIND."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.preloaded import Forked, parent

ROOT = Path(__file__).resolve().parents[2]
READY = "ready"
STEP_S = 0.05

Process = subprocess.Popen[str] | Forked


@contextmanager
def child(data: Path, output: Path, kind: str) -> Iterator[Process]:
    """Starts the training; its libraries are loaded."""
    arguments = [str(data), str(output), kind]
    if hasattr(os, "fork"):
        backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
        process: Process = parent(backend).start(arguments, dict(os.environ))
    else:
        process = _started(arguments)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _started(arguments: list[str]) -> subprocess.Popen[str]:
    """Starts a Python for it; it has printed READY once the libraries are loaded."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers.killed_run", *arguments],
        env={**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    next((line for line in process.stdout if line.strip() == READY), None)
    return process


def newest(output: Path) -> int:
    """Returns the step of the newest checkpoint, 0 where there is none."""
    names = sorted(p.stem for p in (output / "checkpoints").glob("step_*.npz"))
    return int(names[-1].removeprefix("step_")) if names else 0


def kill_after_step(process: Process, output: Path, step: int, wait_s: float) -> bool:
    """Kills the child `wait_s` after it wrote a checkpoint of `step`; False where it was done."""
    while newest(output) < step:
        if process.poll() is not None:
            return False
        time.sleep(0.002)
    time.sleep(wait_s)
    process.kill()
    return process.wait() != 0


def main(data: Path, output: Path, kind: str) -> None:
    """Trains; as `tiny` with a network that is traced at once, and slow steps to be killed in."""
    from fingerspell.config import AugmentConfig
    from fingerspell.train import loop
    from helpers.small_run import small_config, train
    from helpers.tiny_network import train_tiny

    changes: dict[str, object] = {"save_every_min": 0.01, "batch_size": 4}
    if kind == "tiny":
        train_tiny()
        whole = loop.Steps.on_train_batch_end

        def slow(self, batch, logs=None):  # type: ignore[no-untyped-def]
            whole(self, batch, logs)
            time.sleep(STEP_S)

        loop.Steps.on_train_batch_end = slow
        changes = {"save_every_min": 0.0}
    print(READY, flush=True)
    settings = {"augment": AugmentConfig(), "synthetic_per_class": 1, "resume": True, **changes}
    train(small_config(data, output, **settings))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
