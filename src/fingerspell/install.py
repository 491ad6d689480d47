"""Commands that install packages into the very Python that runs, for this system's usual shell.

Standard library only: they are read where something is missing. A plain `pip install` goes to
whichever Python comes first on the PATH, and not into the environment that `run.py` made.
"""

import importlib.util
import json
import os
import re
import shlex
import sys
import sysconfig
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[2]
_RUN_PY = _CHECKOUT / "run.py"
_STAMP = "fingerspell.json"
_PLAIN_IN_POWERSHELL = re.compile(r"[\w\\/.:=+~-]+")
_SAFE_IN_DOUBLE_QUOTES = re.compile(r"[^\"$`\\!]+")


def pip(*arguments: str) -> str:
    """Returns the pip command of this Python.

    A Python that takes no packages (a system's own, or one without pip) is sent to run.py, which
    makes an environment.
    """
    if _RUN_PY.is_file() and not _takes_packages():
        return f"{run_py('VERB')} in place of this command: this Python takes no packages"
    return command(sys.executable, "-m", "pip", *arguments)


def run_py(*arguments: str) -> str:
    """Returns a command of run.py, with the Python that its environment is made of."""
    python = getattr(sys, "_base_executable", sys.executable)
    return command(python, str(_RUN_PY), *arguments)


def training() -> str:
    """Returns what installs all that training needs, at the pinned versions.

    In run.py's environment pip alone would put another build of TensorFlow beside the one there.
    """
    if not made_by_run_py():
        pins = _CHECKOUT / "backend" / "requirements_training.txt"
        return pip("install", *(["-r", str(pins)] if pins.is_file() else ["fingerspell[train]"]))
    anew = f"delete {sys.prefix}, then " if "training" in _stamp() else ""
    return anew + run_py("train", "--help")


def server() -> str:
    """Returns what installs all that answering needs, at the pinned versions."""
    pins = _CHECKOUT / "backend" / "requirements.txt"
    return pip("install", *(["-r", str(pins)] if pins.is_file() else ["fingerspell"]))


def made_by_run_py() -> bool:
    """Says whether this Python is that of the environment that run.py makes."""
    return _RUN_PY.is_file() and bool(_stamp())


def _stamp() -> dict[str, object]:
    """Reads run.py's note of what it installed; {} in another environment."""
    try:
        return dict(json.loads((Path(sys.prefix) / _STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _takes_packages() -> bool:
    """Says whether pip is there and may install (PEP 668 lets a system forbid it)."""
    system = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    managed = sys.prefix == sys.base_prefix and system.is_file()
    return importlib.util.find_spec("pip") is not None and not managed


def command(*words: str, windows: bool = os.name == "nt") -> str:
    """Returns a command line for a POSIX shell, or for PowerShell."""
    if not windows:
        return " ".join(map(_quoted, words))
    line = " ".join(word if _PLAIN_IN_POWERSHELL.fullmatch(word) else f'"{word}"' for word in words)
    return f"& {line}" if line.startswith('"') else line


def _quoted(word: str) -> str:
    """Quotes a word for a POSIX shell, with double quotes where they do: any shell takes them."""
    quoted = shlex.quote(word)
    return f'"{word}"' if quoted != word and _SAFE_IN_DOUBLE_QUOTES.fullmatch(word) else quoted
