"""python backend/app.py   (or: uvicorn backend.app:app, in one process: no --workers)"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from fingerspell.cli.main import door


def __getattr__(name: str) -> object:
    """Loads `app` when it is asked for, so that `--help` and the door stay quick."""
    if name != "app":
        raise AttributeError(name)
    from fingerspell.cli.serve import load_app

    return load_app()


if __name__ == "__main__":
    raise SystemExit(door("serve"))
