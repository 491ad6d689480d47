"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

UNKNOWN = "–"


def percent(share: float | None) -> str:
    """Returns `95.2 %`, or a dash where nothing is known."""
    return UNKNOWN if share is None else f"{100 * share:.1f} %"


def span(interval: Sequence[float] | None) -> str:
    """Returns `93.1 – 96.8 %`, or a dash."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f} – {100 * interval[1]:.1f} %"


def duration(seconds: float | None) -> str:
    """Returns `4 min 12 s`, or a dash."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def megabytes(size_bytes: float | None) -> str:
    """Returns `812 MB`, or a dash."""
    return UNKNOWN if size_bytes is None else f"{size_bytes / 1e6:,.0f} MB"


def headline(section: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns the figures of one evaluation, in the order in which they matter."""
    intervals = section["intervals"]
    accepted = section["acceptance"]
    return [
        ("accuracy", percent(section["test_accuracy"])),
        (f"95 % interval over {intervals['groups']} groups", span(intervals["groups_95"]))
        if intervals["groups_95"] is not None
        else ("95 % interval, pictures taken as independent", span(intervals["pictures_95"])),
        ("macro F1", UNKNOWN if section["macro_f1"] is None else f"{section['macro_f1']:.3f}"),
        ("26 letters", percent(section["letters_26"]["accuracy"])),
        ("24 letters without J and Z", percent(section["letters_24"]["accuracy"])),
        (
            f"accepted at {accepted['threshold']:g}",
            f"{percent(accepted['coverage'])} of pictures, "
            f"{percent(accepted['accuracy'])} of them right",
        ),
        (
            "calibration error",
            percent(section["calibration"]["expected_calibration_error"]),
        ),
        ("pictures", f"{section['pictures']:,}"),
    ]


def split_rule(run: Mapping[str, Any]) -> str:
    """Returns how the pictures were split, in words."""
    rule = run.get("split_rule") or run.get("split")
    return {
        "groups": "by groups: near-duplicate frames stay on one side",
        "random": "at random: near-duplicate frames may stand on both sides, which flatters",
    }.get(str(rule), str(rule) if rule else "as the data set's folders say")
