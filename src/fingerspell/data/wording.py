"""What people are told of a data set, in the same words on the console, the page and the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fingerspell.dataset.manifest import HELD_OUT

Report = Mapping[str, Any]
"""What `report.json` holds."""


def headline(report: Report) -> str:
    """Returns how much there is to learn from and, named apart, how much is held out."""
    sources = len(report["held_out"])
    return (
        f"{report['pictures']:,} pictures{_held_out(held_out_pictures(report))}, "
        f"{len(report['classes']):,} classes, {report['groups']:,} {group_kind(report)}, "
        f"{len(report['sources']) - sources:,} source(s){_held_out(sources)}"
    )


def _held_out(count: int) -> str:
    return f" + {count:,} held out" if count else ""


def held_out_pictures(report: Report) -> int:
    """Returns how many pictures of unseen signers there are."""
    return sum(counts.get(HELD_OUT, 0) for counts in report["sources"].values())


def named_by(report: Report) -> str:
    """Returns the option by which the user named groups, or nothing: then likeness makes them."""
    config = report["config"]
    return (
        "--group_by" if config.get("group_by") else "--groups" if config.get("groups_csv") else ""
    )


def group_kind(report: Report) -> str:
    """Returns what the groups are."""
    if not (option := named_by(report)):
        return "groups of near duplicates"
    return f"groups named by {option}" + (" or of near duplicates" if _unnamed(report) else "")


def naming(report: Report, example: bool = True) -> str:
    """Returns of how many pictures the user's option named the group, or nothing without one."""
    if not (named := report.get("named")):
        return ""
    option, total = named_by(report), named["pictures"]
    if not _unnamed(report):
        return f"{option} named the group of all {total:,} pictures"
    first = f"; first unnamed {named['examples'][0]}" if example else ""
    return (
        f"{option} named the group of {named['named']:,} of {total:,} pictures{first}; "
        "those without fall back to near duplicates"
    )


def _unnamed(report: Report) -> int:
    named = report.get("named") or {"pictures": 0, "named": 0}
    return int(named["pictures"] - named["named"])


def thin(report: Report) -> list[str]:
    """Says which classes the split left without test or val pictures."""
    classes: Mapping[str, Mapping[str, int]] = report["classes"]
    untested = [label for label, c in classes.items() if not c["test"]]
    unwatched = [label for label, c in classes.items() if c["test"] and not c["val"]]
    return [
        *[f"no test pictures, so never tested: {', '.join(untested)}"] * bool(untested),
        *[f"tested, but none in val: {', '.join(unwatched)}"] * bool(unwatched),
    ]
