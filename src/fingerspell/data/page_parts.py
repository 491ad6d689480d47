"""What the data set's page is built of: its style, tables, pictures and histograms as HTML."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import cv2
import numpy as np

from fingerspell.dataset.manifest import SPLITS, Sample
from fingerspell.errors import PictureError
from fingerspell.images import encode_jpeg, glance

Samples = Sequence[Sample]

THUMB_PX = 96
"""Longer side of a picture on the page; shown at three quarters of it, sharp on a phone too."""

THUMB_QUALITY = 72

OPEN_LINES = 20
"""Lines of a list that are shown without asking."""

STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --card: #f6f8fa;
  --line: #d0d7de; --faint: #57606a; --bar: #1f6feb; --heat: 31 111 235; --good: #1a7f37;
  --bad: #b3261e; --train: #8c959f; --val: #9a6700; --test: #1f6feb; --other: #8250df; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117;
  --card: #161b22; --line: #30363d; --faint: #9aa4af; --bar: #4c8dff; --heat: 76 141 255;
  --good: #56d364; --bad: #ff8a80; --train: #8b949e; --val: #e3b341; --test: #4c8dff;
  --other: #c297ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 74rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line);
  padding-top: 1rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
.note { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.tiles li, .card { background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; padding: .75rem 1rem; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr));
  gap: .75rem; }
.card h3 { margin-top: 0; }
.big { font-size: 2.4rem; font-weight: 650; line-height: 1.1; margin: 0; }
.big.good { color: var(--good); } .big.bad { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
table.wide { width: 100%; } table.figures { width: 100%; max-width: 46rem; }
th, td { text-align: left; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; } thead th { white-space: nowrap; }
.figure { text-align: right; }
.path { overflow-wrap: anywhere; min-width: 12rem; font-weight: 400; }
summary { cursor: pointer; padding: .3rem 0; }
.heat { font-size: .8rem; }
.heat td { text-align: center; padding: .3rem .2rem; min-width: 2.05rem;
  background: rgb(var(--heat) / calc(var(--h, 0) * .45)); }
.heat thead th + th { text-align: center; padding: .3rem .2rem; }
.heat tbody th { position: sticky; left: 0; background: var(--paper); white-space: nowrap; }
.none { color: var(--faint); }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 1rem;
  padding: 0 .5rem; font-size: .8rem; font-weight: 400; color: var(--other); }
.row { display: flex; flex-wrap: wrap; gap: .3rem; margin: .25rem 0; }
.thumb { display: block; width: 72px; height: 76px; object-fit: contain;
  background: #000; border-radius: .3rem; border-bottom: 4px solid var(--train); }
.lost { background: var(--card); color: var(--faint); font-size: .7rem; text-align: center;
  padding-top: 1rem; }
.thumb.val, .key .val { border-color: var(--val); }
.thumb.test, .key .test { border-color: var(--test); }
.thumb.other, .key .other { border-color: var(--other); }
.key span { border-bottom: .25rem solid var(--train); margin-right: .9rem; }
.families { display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
.families p { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; gap: .75rem; margin: .75rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); }
svg { display: block; width: 100%; height: auto; }
svg rect { fill: var(--bar); } svg text { fill: var(--faint); font: 11px system-ui, sans-serif; }
svg .count { fill: var(--ink); } svg line { stroke: var(--line); }
dl { display: grid; grid-template-columns: minmax(7rem, auto) 1fr; gap: .25rem 1rem; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 44rem) { table { font-size: .85rem; } th, td { padding-right: .5rem; }
  .path { min-width: 7rem; } .families { grid-template-columns: 1fr 1fr; }
  .families .card { padding: .5rem; }
  .classes { font-size: 1rem; } .classes thead { display: none; }
  .classes tr { display: grid; grid-template-columns: repeat(auto-fit, minmax(4rem, 1fr));
    border-bottom: 1px solid var(--line); padding: .5rem 0; }
  .classes th, .classes td { border: 0; padding: 0; text-align: left; }
  .classes th, .classes td.pictures { grid-column: 1 / -1; }
  .row { display: grid; grid-template-columns: repeat(4, 1fr); }
  .families .row { grid-template-columns: repeat(3, 1fr); }
  .row .thumb { width: 100%; height: auto; aspect-ratio: 18 / 19; }
  .classes td[data-name]::before { content: attr(data-name); display: block;
    color: var(--faint); font-size: .8rem; } }
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>Fingerspell data set</title>
<style>{style}</style>
</head>
<body>
<h1>Fingerspell data set</h1>
<main>
{body}
</main>
</body>
</html>
"""


def section(title: str, body: str) -> str:
    """Returns a headed section, or nothing where there is nothing to say."""
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>" if body else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], figures: bool = True) -> str:
    """Returns a table of plain texts; the first column heads its row, the others are figures."""
    cell = '<td class="figure">' if figures else '<td class="path">'
    top = "".join(
        f'<th scope="col"{" class=figure" if figures and i else ""}>{escape(text)}</th>'
        for i, text in enumerate(head)
    )
    body = "".join(
        f'<tr><th scope="row"{"" if figures else " class=path"}>{escape(row[0])}</th>'
        + "".join(f"{cell}{escape(text)}</td>" for text in row[1:])
        + "</tr>\n"
        for row in rows
    )
    return scroll(
        f'<table class="{"figures" if figures else "wide"}"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table>",
        head[0],
    )


def scroll(inner: str, name: str) -> str:
    """Lets a wide part move sideways by finger and by keyboard, the page itself staying put."""
    return (
        f'<div class="scroll" role="region" aria-label="{escape(name)}" tabindex="0">{inner}</div>'
    )


def folded(inner: str, count: int, what: str) -> str:
    """Hides a long part behind a line that opens it; a short one stays open."""
    if count <= OPEN_LINES:
        return inner
    return f"<details><summary>{count:,} {escape(what)}</summary>{inner}</details>"


def listed(items: Sequence[str], most: int) -> str:
    """Returns a list of the first `most` plain texts and how many more there are."""
    shown = "".join(f"<li>{escape(item)}</li>" for item in items[:most])
    return f"<ul>{shown}</ul>{more(len(items), most)}"


def more(count: int, most: int) -> str:
    """Says how many were not shown."""
    return f'<p class="note">and {count - most:,} more in report.json</p>' if count > most else ""


def thumbs(folder: Path, samples: Iterable[Sample]) -> str:
    """Returns a row of small pictures, each saying what it is and edged by its split."""
    return row(
        thumb(
            folder / sample.path,
            f"{sample.label}, {sample.split}, {sample.source}, group {sample.group}",
            kind(sample.split),
        )
        for sample in samples
    )


def kind(split: str) -> str:
    """Returns the style class that marks a split."""
    return split if split in SPLITS else "other"


def row(pictures: Iterable[str]) -> str:
    """Sets pictures side by side."""
    return f'<div class="row">{"".join(pictures)}</div>'


def thumb(path: Path, text: str, style: str = "") -> str:
    """Returns one small picture with its content inside; a box where it cannot be opened."""
    said, kinds = escape(text), f"thumb {style}".strip()
    try:
        data = base64.b64encode(_small_jpeg(path)).decode("ascii")
    except (OSError, PictureError):
        return f'<span class="{kinds} lost" role="img" aria-label="{said}">no preview</span>'
    source = f"data:image/jpeg;base64,{data}"
    return f'<img class="{kinds}" alt="{said}" title="{said}" src="{source}">'


def _small_jpeg(path: Path) -> bytes:
    rgb = glance(path.read_bytes(), THUMB_PX).rgb
    height, width = rgb.shape[:2]
    scale = THUMB_PX / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(rgb, THUMB_QUALITY)


def histogram(title: str, counts: Sequence[int], names: Sequence[str]) -> str:
    """Returns bars as SVG; each bar carries its share in per cent and, below, its name."""
    wide, tall, top, foot = 360, 170, 18, 36
    total, most = max(1, sum(counts)), max(1, *counts)
    step = wide / len(counts)
    bars = []
    for i, (count, name) in enumerate(zip(counts, names, strict=True)):
        height = (tall - top - foot) * count / most
        middle, y = (i + 0.5) * step, tall - foot - height
        bars.append(
            f'<rect x="{i * step + 2:.1f}" y="{y:.1f}" width="{step - 4:.1f}" '
            f'height="{height:.1f}" rx="2"/>'
            f'<text class="count" x="{middle:.1f}" y="{y - 4:.1f}" text-anchor="middle">'
            f"{share(count, total)}</text>" + _name(name, middle, tall - foot + 14)
        )
    said = ", ".join(f"{n} {c:,}" for n, c in zip(names, counts, strict=True))
    return (
        f'<figure class="card" style="margin:0"><figcaption><b>{escape(title)}</b></figcaption>'
        f'<svg viewBox="0 0 {wide} {tall}" role="img" aria-label="{escape(f"{title}: {said}")}">'
        f'<line x1="0" x2="{wide}" y1="{tall - foot}" y2="{tall - foot}"/>{"".join(bars)}'
        "</svg></figure>"
    )


def _name(name: str, x: float, y: float) -> str:
    """Writes a name of several words in as many lines."""
    return "".join(
        f'<text x="{x:.1f}" y="{y + 13 * line:.1f}" text-anchor="middle">{escape(word)}</text>'
        for line, word in enumerate(name.split())
    )


def share(part: int, whole: int) -> str:
    """Writes a share in per cent; what is not quite none or all is not rounded to it."""
    if part in (0, whole) or whole == 0:
        return "0 %" if part == 0 else "100 %"
    percent = 100 * part / whole
    return "<1 %" if percent < 0.5 else ">99 %" if percent > 99.5 else f"{percent:.0f} %"
