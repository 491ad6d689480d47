"""What every saved figure carries: how it was made, on what, and from which source."""

import json
import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def record(name: str, program: str, argv: Sequence[str] | None, figures: dict[str, Any]) -> Path:
    """Saves figures and their circumstances; `program` is e.g. `speed/gpu`, `argv` its options."""
    given = sys.argv[1:] if argv is None else argv
    command = shlex.join(["python", f"benchmarks/{program}.py", *given])
    return save(name, {**circumstances(command), **figures})


def circumstances(command: str) -> dict[str, Any]:
    """Returns command, machine, versions, commit (`+` where the tree was changed) and date."""
    from fingerspell.machine import commit, machine, versions

    return {
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "commit": commit(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def save(name: str, figures: dict[str, Any]) -> Path:
    """Writes `benchmarks/results/<name>.json` and returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path
