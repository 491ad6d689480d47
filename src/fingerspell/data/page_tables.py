"""The page's tables of classes and sources."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from fingerspell.data import page_parts as parts
from fingerspell.data.examples import grouped, of_class, split_order
from fingerspell.data.page_parts import Samples
from fingerspell.data.wording import Report
from fingerspell.dataset.manifest import HELD_OUT
from fingerspell.labels import in_order

CLASS_PICTURES = 8
ALL_CLASS_PICTURES = 480
"""Most pictures a class, and of all classes: the page stays below 5 MB whatever the data set."""

SOURCES, CLASSES = 40, 200
"""Most sources, the largest, and classes, the first, set against one another."""


def classes(folder: Path, samples: Samples) -> str:
    """Returns a row a class: pictures of each split, groups, and some of the pictures."""
    by_label = grouped(samples, lambda sample: sample.label)
    splits = split_order(samples)
    each = min(CLASS_PICTURES, ALL_CLASS_PICTURES // len(by_label))
    heads = ("class", *splits, "groups", "pictures")
    head = "".join(f'<th scope="col" role="columnheader">{escape(text)}</th>' for text in heads)
    rows = "".join(
        _class_row(folder, label, by_label[label], splits, each) for label in in_order(by_label)
    )
    key = "".join(f'<span class="{parts.kind(split)}">{escape(split)}</span>' for split in splits)
    return (
        f'<p class="key">The pictures\' lower edge tells their split: {key}</p>'
        '<table class="wide classes" role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )


def _class_row(folder: Path, label: str, samples: Samples, splits: Sequence[str], each: int) -> str:
    counts = Counter(sample.split for sample in samples)
    figures = [(split, counts[split]) for split in splits]
    own = {sample.group for sample in samples if sample.split != HELD_OUT}
    figures.append(("groups", len(own)))
    cells = "".join(
        f'<td role="cell" data-name="{escape(name)}">{count:,}</td>' for name, count in figures
    )
    return (
        f'<tr role="row"><th scope="row" role="rowheader">{escape(label)}</th>{cells}'
        f'<td role="cell" class="pictures">{parts.thumbs(folder, of_class(samples, each))}</td>'
        "</tr>\n"
    )


def sources(report: Report, samples: Samples) -> str:
    """Returns a row a source: pictures of each split, groups and classes."""
    by_source = grouped(samples, lambda sample: sample.source)
    splits = split_order(samples)
    head = "".join(
        f'<th scope="col" class="figure">{escape(text)}</th>'
        for text in (*splits, "groups", "classes")
    )
    rows = []
    for source in sorted(by_source):
        part = by_source[source]
        counts = Counter(sample.split for sample in part)
        figures = [counts[split] for split in splits]
        figures += [len({s.group for s in part}), len({s.label for s in part})]
        cells = "".join(f'<td class="figure">{figure:,}</td>' for figure in figures)
        rows.append(f'<tr><th scope="row">{_source(report, source)}</th>{cells}</tr>\n')
    return parts.scroll(
        f'<table class="wide"><thead><tr><th scope="col">source</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>",
        "sources",
    )


def _source(report: Report, source: str) -> str:
    held_out = source in report.get("held_out", ())
    return escape(source) + (' <span class="badge">held out</span>' if held_out else "")


def sources_by_class(report: Report, samples: Samples) -> str:
    """Returns sources against classes, the fuller the deeper; nothing for a single source."""
    counts = Counter((sample.source, sample.label) for sample in samples)
    every = in_order(sample.label for sample in samples)
    labels = every[:CLASSES]
    sizes = Counter(sample.source for sample in samples)
    if len(sizes) < 2:
        return ""
    sources = sorted(sorted(sizes, key=lambda source: (-sizes[source], source))[:SOURCES])
    most = max(counts.values())
    head = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = "".join(
        f'<tr><th scope="row">{_source(report, source)}</th>'
        + "".join(_heat(counts[source, label], most) for label in labels)
        + "</tr>\n"
        for source in sources
    )
    return (
        "<h3>Sources and classes</h3><p>A class that only one source has is learnt together with "
        "that source's hand, room and camera.</p>"
        + parts.scroll(
            f'<table class="heat"><thead><tr><th scope="col">source</th>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>",
            "pictures of each source and class",
        )
        + parts.more(len(sizes), SOURCES)
        + parts.more(len(every), CLASSES)
    )


def _heat(count: int, most: int) -> str:
    if not count:
        return '<td class="none">–</td>'
    return f'<td style="--h:{math.sqrt(count / most):.2f}">{count:,}</td>'
