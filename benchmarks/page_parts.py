"""What the pages of measurements share: reading saved figures, and how they are worded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import circumstances

ROOT = Path(__file__).resolve().parents[1]
Figures = dict[str, Any]


def read(name: str) -> Figures:
    """Returns a saved measurement."""
    path = circumstances.RESULTS / f"{name}.json"
    figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    return figures


def found(name: str) -> Figures | None:
    """Returns a saved measurement, or nothing where it has not been made."""
    return read(name) if (circumstances.RESULTS / f"{name}.json").is_file() else None


def all_found(start: str) -> list[Figures]:
    """Returns every saved measurement whose name begins so."""
    return [read(path.stem) for path in sorted(circumstances.RESULTS.glob(f"{start}*.json"))]


def written(scripts: str) -> list[str]:
    """Returns where a page comes from."""
    return [
        "Written by `python benchmarks/pages.py` from `benchmarks/results/*.json`; do not edit by "
        f"hand. Measured by `benchmarks/`: {scripts}.",
        "",
    ]


def said(figures: Figures) -> str:
    """What every figure carries, in a line."""
    machine, versions = figures["machine"], figures["versions"]
    named = ", ".join(f"{k} {v}" for k, v in versions.items() if k != "fingerspell")
    return (
        f"`{figures['command']}`: {machine['system']}, {machine['processor']}, "
        f"{machine['cores']} cores, commit {figures['commit']}, {figures['finished'][:10]}; "
        f"{named}."
    )


def percent(share: float) -> str:
    """Returns a share in per cent."""
    return f"{share:.1%}".replace("%", " %")
