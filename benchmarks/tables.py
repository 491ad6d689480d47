"""What generated tables share: saved results, Markdown rows, shares in per cent, circumstances."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks import circumstances

Figures = dict[str, Any]


def read(name: str) -> Figures:
    """Returns a saved measurement; `FileNotFoundError` where it has not been made."""
    path = circumstances.RESULTS / f"{name}.json"
    figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    return figures


def read_all(start: str) -> list[Figures]:
    """Returns every saved measurement whose name begins so."""
    return [read(path.stem) for path in sorted(circumstances.RESULTS.glob(f"{start}*.json"))]


def percent(share: float | None, digits: int = 1) -> str:
    """Returns a share in per cent; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def megabytes(size_bytes: float) -> str:
    """Returns a size in megabytes."""
    return f"{size_bytes / 1e6:,.0f} MB"


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """Returns a Markdown table."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *body)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]


def measured_with(figures: Figures) -> list[str]:
    """Returns a paragraph of circumstances: command, machine, commit, date, versions."""
    machine, versions = figures["machine"], figures["versions"]
    named = ", ".join(f"{k} {v}" for k, v in versions.items() if k != "fingerspell")
    return [
        "",
        f"`{figures['command']}`: {machine['system']}, {machine['processor']}, "
        f"{machine['cores']} cores, commit {figures['commit']}, {figures['finished'][:10]}; "
        f"{named}.",
    ]


def seeds_of(figures: Iterable[Figures]) -> str:
    """Returns how many seeds rows were measured with, e.g. `2 seeds`."""
    count = len({row["seed"] for row in figures})
    return f"{count} seed{'s' if count > 1 else ''}"
