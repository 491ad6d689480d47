"""`model_card.md`: what to know before using a recogniser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fingerspell.report.pages import card, table
from fingerspell.report.text import (
    UNKNOWN,
    Report,
    duration,
    figures,
    megabytes,
    percent,
    split_rule,
    unseen_signers,
)


def model_card(report: Report, run: Mapping[str, Any]) -> str:
    """Returns the card as Markdown. `report`: what `evaluation` returned; `run`: `run.json`."""
    model = run.get("config", {}).get("model", {})
    height_px, width_px = model.get("image_size_px", (200, 200))
    unseen = unseen_signers(report)
    head = ("pictures of", "26 letters", "24 without J and Z", "pictures")
    return card(
        "model_card.md.j2",
        backbone=model.get("backbone", "Network"),
        classes=len(report["class_names"]),
        height_px=height_px,
        width_px=width_px,
        finished=run.get("finished", UNKNOWN),
        temperature=_number(run.get("temperature")),
        threshold=_number(report["acceptance"]["threshold"]),
        pictures=_counts(run.get("pictures", {})),
        synthetic=run.get("synthetic_pictures", 0),
        split=split_rule(run),
        origin=run.get("weights_origin", UNKNOWN),
        own=table(("figure", "value"), figures(report), numbers=False),
        exported=report.get("tflite"),
        unseen_signers=table(head, unseen, numbers=False) if unseen else "",
        weakest=_weakest(report),
        command=run.get("command") or "fingerspell train",
        commit=run.get("commit") or UNKNOWN,
        time=duration(run.get("train_s")),
        memory=megabytes(run.get("peak_memory_bytes")),
        versions=_counts(run.get("versions", {})),
    )


def _weakest(report: Report) -> str:
    known = [
        (scores["recall"], name)
        for name, scores in report["per_class_metrics"].items()
        if scores["recall"] is not None
    ]
    return ", ".join(f"{name} ({percent(recall)})" for recall, name in sorted(known)[:3]) or UNKNOWN


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in counts.items()) or UNKNOWN


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"
