"""Programs that kill themselves at a chosen step, as a power cut or `kill -9` would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src"
STEPS = ("open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir")
"""What Python tells its audit hooks just before it does it: every change to a disk is one."""

HOOK = f"""
import os, signal, sys
sys.path[:0] = [{str(SOURCE)!r}, {str(SOURCE.parent / "tests")!r}]
left = int(sys.argv[1])
def count(event, args):
    global left
    if counting and event in {STEPS!r}:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
counting = False
sys.addaudithook(count)
"""


def killed_at_step(program: str, step: int, *arguments: str) -> bool:
    """Runs Python code that sets `counting = True` where it matters, until just before a step.

    Returns whether it was killed; False once it has fewer steps than that.
    """
    done = subprocess.run(
        [sys.executable, "-c", HOOK + program, str(step), *arguments],
        capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    if done.returncode == 0:
        return False
    if done.stderr:
        raise RuntimeError(done.stderr)
    return True
