"""A training in a process of its own, to be killed: arguments DATA OUTPUT KIND.

Loading the libraries takes some eight seconds of processor time: where a process can fork, one
that has loaded them does (this program without arguments). The test talks to it in lines of JSON:
what to start, whom to look for.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.one_backend import leave_tensorflow_out

ROOT = Path(__file__).resolve().parents[2]
READY = "ready"
STEP_S = 0.05


class Forked:
    """A forked training, as `subprocess.Popen` shows a process."""

    def __init__(self, parent: Parent, pid: int) -> None:
        self.parent, self.pid = parent, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Returns the exit code, negative where a signal ended it; None while it runs."""
        if self.returncode is None:
            self.returncode = self.parent.ask(poll=self.pid)
        return self.returncode

    def wait(self, timeout: float = 600.0) -> int:
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a forked training", timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Parent:
    """The process that has loaded the libraries; it ends with the one that started it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "helpers.killed_run"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
        )  # fmt: skip
        atexit.register(self.process.communicate)  # The end of its input is the end of its work.

    def start(self, arguments: list[str], environment: dict[str, str]) -> Forked:
        return Forked(self, self.ask(start=arguments, environment=environment))

    def ask(self, **question: Any) -> Any:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the process that forks has died")
        return json.loads(line)


@functools.cache
def parent(backend: str) -> Parent:
    """Returns this test process's parent of trainings on a Keras backend."""
    return Parent({**environment(), "KERAS_BACKEND": backend})


def environment() -> dict[str, str]:
    """What a Python that trains is told."""
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    return {**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}


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
    process = subprocess.Popen(
        [sys.executable, "-m", "helpers.killed_run", *arguments], env=environment(),
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


def answer() -> None:
    """Loads the libraries, and then answers until the input ends."""
    leave_tensorflow_out()
    import tensorboard.summary  # noqa: F401

    import fingerspell.train.run  # noqa: F401
    import helpers.small_run
    import helpers.tiny_network  # noqa: F401

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        question = json.loads(line)
        told = _code(question["poll"]) if "poll" in question else _fork(**question)
        answers.write(json.dumps(told) + "\n")
        answers.flush()


def _code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _fork(start: list[str], environment: dict[str, str]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        main(Path(start[0]), Path(start[1]), start[2])
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    else:
        answer()
