"""Trainings in processes of their own that need not load their libraries: a process that has
loaded them forks. Loading takes some eight seconds of processor time, a fork none.

The test talks to that process in lines of JSON: what to start, whom to look for.
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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


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
        """Returns the exit code once there is one."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a forked training", timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Ends the process without a word."""
        self.send_signal(signal.SIGKILL)


class Parent:
    """The process that has loaded the libraries; it ends with the one that started it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "helpers.preloaded"],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
        )  # fmt: skip
        atexit.register(self.process.communicate)  # The end of its input is the end of its work.

    def start(self, arguments: list[str], environment: dict[str, str]) -> Forked:
        """Forks a training of `helpers.killed_run` with these arguments."""
        return Forked(self, self.ask(start=arguments, environment=environment))

    def ask(self, **question: Any) -> Any:
        """Returns the answer to one question."""
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
    paths = os.pathsep.join(str(ROOT / name) for name in ("src", "tests"))
    more = {"KERAS_BACKEND": backend, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return Parent({**os.environ, **more})


def main() -> None:
    """Loads, and then answers until the input ends."""
    import tensorboard.summary  # noqa: F401

    import fingerspell.train.run  # noqa: F401
    import helpers.small_run
    import helpers.tiny_network  # noqa: F401

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        question = json.loads(line)
        answer = _code(question["poll"]) if "poll" in question else _fork(**question)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _fork(start: list[str], environment: dict[str, str]) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        from helpers import killed_run

        os.environ.clear()
        os.environ.update(environment)
        killed_run.main(Path(start[0]), Path(start[1]), start[2])
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
