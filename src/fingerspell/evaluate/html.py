"""`report.html`: one file, readable on a phone, by day and by night, without a network."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from fingerspell.evaluate.words import duration, headline, megabytes, percent, split_rule

STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --line: #d0d7de;
  --faint: #57606a; --bar: #1f6feb; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #30363d;
  --faint: #9aa4af; --bar: #4c8dff; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
p.big { font-size: 2.6rem; font-weight: 650; margin: 0; line-height: 1.1; }
p.note { color: var(--faint); margin: .25rem 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
td.figure, th.figure { text-align: right; }
.bar { display: block; height: .5rem; min-width: 5rem; background: var(--line);
  border-radius: .25rem; }
.bar > span { display: block; height: 100%; background: var(--bar); border-radius: .25rem; }
table.classes td { white-space: nowrap; }
@media (max-width: 34rem) { table.classes td:nth-child(2), table.classes th:nth-child(2)
  { display: none; } table.classes { font-size: .85rem; }
  .matrix img { max-width: none; width: 50rem; } }
img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: .5rem; }
code { overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .25rem 1rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fingerspell report</title>
<style>{style}</style>
</head>
<body>
<h1>Fingerspell report</h1>
{body}
</body>
</html>
"""


def report_html(
    report: Mapping[str, Any],
    run: Mapping[str, Any],
    matrix_png: bytes,
    history_png: bytes | None,
) -> str:
    """Returns the page with style and pictures inside; every text from outside is escaped."""
    sections = [
        _opening(report),
        _section("Other people", _unseen_signers(report)),
        _section("Own test pictures", _table(("figure", "value"), headline(report))),
        _section("Exported model", _exported(report)),
        _section("Confusions", _confusions(report) + _matrix(matrix_png)),
        _section("Classes", _classes(report)),
        _section("Calibration", _calibration(report)),
        _section("Training", _image(history_png, "loss, accuracy and learning rate by epoch")),
        _section("Circumstances", _circumstances(run)),
    ]
    return PAGE.format(style=STYLE, body="\n".join(part for part in sections if part))


def _opening(report: Mapping[str, Any]) -> str:
    return (
        f'<p class="big">{percent(report["test_accuracy"])}</p>'
        f'<p class="note">of {report["pictures"]:,} test pictures named rightly, '
        f"{len(report['class_names'])} classes</p>"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>" if body else ""


def _unseen_signers(report: Mapping[str, Any]) -> str:
    unseen_signers = report.get("unseen_signers") or {}
    if not unseen_signers:
        return (
            "<p>Not measured. The figures below are of the same people and rooms as the training "
            "pictures and say little about others.</p>"
        )
    rows = [
        (
            name,
            percent(section["letters_26"]["accuracy"]),
            percent(section["letters_24"]["accuracy"]),
            f"{section['letters_26']['pictures']:,}",
        )
        for name, section in unseen_signers.items()
    ]
    return _table(("pictures of", "26 letters", "24 without J, Z", "pictures"), rows)


def _exported(report: Mapping[str, Any]) -> str:
    exported = report.get("tflite")
    if exported is None:
        return ""
    rows = [
        ("same class as the trained model", percent(exported["agreement"])),
        ("largest difference of a probability", f"{exported['max_difference']:.2g}")
        if exported["max_difference"] is not None
        else ("largest difference of a probability", "–"),
        *headline(exported),
    ]
    return _table(("TFLite", "value"), rows)


def _confusions(report: Mapping[str, Any]) -> str:
    rows = [
        (c["truth"], c["answer"], str(c["count"]), percent(c["share"]))
        for c in report["top_confusions"]
    ]
    if not rows:
        return "<p>No test picture was named wrongly.</p>"
    return _table(("true class", "answer", "pictures", "share"), rows) + "<p></p>"


def _matrix(png: bytes) -> str:
    """The matrix keeps its size on a phone, where it is moved sideways."""
    return f'<div class="scroll matrix">{_image(png, "confusion matrix")}</div>'


def _classes(report: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{_bar(s['recall'])}</td>"
        f"{_cells(percent(s['recall']), percent(s['precision']), percent(s['f1']), s['support'])}"
        "</tr>"
        for name, s in report["per_class_metrics"].items()
    )
    head = "".join(
        f'<th class="figure">{t}</th>' for t in ("recall", "precision", "F1", "pictures")
    )
    return (
        '<div class="scroll"><table class="classes">'
        f"<tr><th>class</th><th></th>{head}</tr>{rows}</table></div>"
    )


def _cells(*values: object) -> str:
    return "".join(f'<td class="figure">{escape(str(value))}</td>' for value in values)


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    return f'<span class="bar"><span style="width:{100 * share:.0f}%"></span></span>'


def _calibration(report: Mapping[str, Any]) -> str:
    rows = [
        (
            f"{percent(b['low'])[:-2]}–{percent(b['high'])}",
            percent(b["confidence"]),
            percent(b["accuracy"]),
            f"{b['pictures']:,}",
        )
        for b in report["calibration"]["bins"]
    ]
    note = (
        "<p>Where mean confidence and accuracy are alike, a probability can be taken at its "
        "word.</p>"
    )
    return note + _table(("confidence", "mean", "accuracy", "pictures"), rows) if rows else ""


def _circumstances(run: Mapping[str, Any]) -> str:
    facts = {
        "command": run.get("command"),
        "finished": run.get("finished"),
        "commit": run.get("commit"),
        "first weights": run.get("weights_origin"),
        "split": split_rule(run),
        "training": duration(run.get("train_s")),
        "memory at most": megabytes(run.get("peak_memory_bytes")),
        "machine": _flat(run.get("machine")),
        "device": _flat(run.get("device")),
        "versions": _flat(run.get("versions")),
    }
    known = [(name, str(value)) for name, value in facts.items() if value]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{escape(v)}</dd>' for name, v in known)}</dl>"


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return str(value) if value else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(
        f"<th{'' if i == 0 else ' class=figure'}>{escape(t)}</th>" for i, t in enumerate(head)
    )
    body = "".join(f"<tr><td>{escape(row[0])}</td>{_cells(*row[1:])}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _image(png: bytes | None, text: str) -> str:
    if not png:
        return ""
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">'
