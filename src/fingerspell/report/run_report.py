"""`report.html` of a run, readable on a phone, and `model_card.md`: what to know before use."""

from collections.abc import Mapping
from typing import Any

from fingerspell.report import text
from fingerspell.report.pages import card, data_uri, page, table
from fingerspell.report.text import UNKNOWN, Report, percent


def run_page(
    report: Report,
    run: Mapping[str, Any],
    matrix_png: bytes,
    history_png: bytes | None,
    numbered: Mapping[str, str],
) -> str:
    """Returns the page with style and pictures inside; every text from outside is escaped.

    `report`: what `evaluation` returned. `run`: what `run.json` says. `numbered`: the labels that
    the matrix has as numbers, by these.
    """
    return page(
        "run_report.html.j2",
        report=report,
        guessing=text.guessing(report),
        unseen_signers=text.unseen_signers(report),
        own=text.figures(report),
        exported=_exported(report),
        confusions=[
            (c["truth"], c["answer"], str(c["count"]), percent(c["share"]))
            for c in report["top_confusions"]
        ],
        calibration=_calibration(report),
        matrix=data_uri(matrix_png, "image/png"),
        numbered=list(numbered.items()),
        history=data_uri(history_png, "image/png") if history_png else "",
        circumstances=_circumstances(run),
    )


def _exported(report: Report) -> list[tuple[str, str]]:
    """The exported model: how near it is to the trained one, and its own figures."""
    if (exported := report.get("tflite")) is None:
        return []
    most = exported["max_difference"]
    return [
        ("same class as the trained model", percent(exported["agreement"])),
        ("largest difference of a probability", UNKNOWN if most is None else f"{most:.2g}"),
        *text.figures(exported),
    ]


def _calibration(report: Report) -> list[tuple[str, str, str, str]]:
    return [
        (
            f"{percent(b['low'])[:-2]}–{percent(b['high'])}",
            percent(b["confidence"]),
            percent(b["accuracy"]),
            f"{b['pictures']:,}",
        )
        for b in report["calibration"]["bins"]
    ]


def _circumstances(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = {
        "command": run.get("command"),
        "finished": run.get("finished"),
        "commit": run.get("commit"),
        "first weights": run.get("weights_origin"),
        "split": text.split_rule(run),
        "training": text.duration(run.get("train_s")),
        "memory at most": text.megabytes(run.get("peak_memory_bytes")),
        "machine": _flat(run.get("machine")),
        "device": _flat(run.get("device")),
        "versions": _flat(run.get("versions")),
    }
    return [(name, str(value)) for name, value in facts.items() if value]


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value) if value else ""


def model_card(report: Report, run: Mapping[str, Any]) -> str:
    """Returns the card as Markdown. `report`: what `evaluation` returned; `run`: `run.json`."""
    model = run.get("config", {}).get("model", {})
    height_px, width_px = model.get("image_size_px", (200, 200))
    unseen = text.unseen_signers(report)
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
        split=text.split_rule(run),
        origin=run.get("weights_origin", UNKNOWN),
        own=table(("figure", "value"), text.figures(report), numbers=False),
        exported=report.get("tflite"),
        proven=_proven(run),
        int8=_int8(run.get("int8")),
        guessing=text.guessing(report),
        unseen_signers=table(head, unseen, numbers=False) if unseen else "",
        weakest=_weakest(report),
        command=run.get("command") or "fingerspell train",
        commit=run.get("commit") or UNKNOWN,
        time=text.duration(run.get("train_s")),
        memory=text.megabytes(run.get("peak_memory_bytes")),
        versions=_counts(run.get("versions", {})),
    )


def _proven(run: Mapping[str, Any]) -> str:
    """Says on how many pictures the exports were compared with the trained network."""
    if not (count := run.get("proven_pictures")):
        return ""
    drawn = run.get("proven_synthetic_pictures")
    return f"{count} pictures of the data set" + (f" and {drawn} synthetic ones" if drawn else "")


def _int8(found: Mapping[str, Any] | None) -> str:
    """Says what is 8 bits inside `model_int8.tflite`, why, and how often it agrees."""
    if not found:
        return ""
    full = found["full_int8_agreement"]
    if found["inside"] == "weights":
        inside = "has its weights in 8 bits and computes in float (dynamic-range quantisation): "
        inside += (
            "full int8 could not be made or does not load on older phones"
            if full is None
            else f"full int8 named the trained class on {percent(full)} of the pictures only"
        )
    else:
        inside = "computes in 8 bits throughout (full int8)"
    return f"{inside}. It names the trained class on {percent(found['agreement'])} of them."


def _weakest(report: Report) -> str:
    """Says which classes were missed most; one that was always recognised is not among them."""
    recalls = {x: scores["recall"] for x, scores in report["per_class_metrics"].items()}
    known = sorted((r, name) for name, r in recalls.items() if r is not None)
    missed = [f"{name} ({percent(recall)})" for recall, name in known[:3] if recall < 1]
    if known and not missed:
        return "None of its own test pictures was taken for another class"
    return f"Least often recognised on its own test pictures: {', '.join(missed) or UNKNOWN}"


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in counts.items()) or UNKNOWN


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"
