"""The page's sections of light, remarkable pictures, families and conflicts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape
from pathlib import Path

from fingerspell.data import page_parts as parts
from fingerspell.data.examples import evenly, first_of_groups, largest_groups
from fingerspell.data.page_parts import Samples
from fingerspell.data.wording import Report, named_by
from fingerspell.dataset.quality import (
    BANDS,
    BLURRED,
    BRIGHT,
    DARK,
    ODD_ASPECT,
    SKIN_BANDS,
    TINY_PX,
    Qualities,
    bands,
    histogram,
    remarked,
    skin_band,
    source_medians,
)

FAMILIES = 12
REMARK_PICTURES = 12
CONFLICTS = 24
PATHS = 12
"""Most families, pictures a remark, conflicts, and paths of one conflict that are shown."""

_REMARK_MEANS = {
    "dark": f"mean brightness below {DARK:g} of 1",
    "bright": f"mean brightness above {BRIGHT:g} of 1",
    "blurred": f"sharpness below {BLURRED:g}; a hand before a flat wall comes close to it",
    "tiny": f"shorter side below {TINY_PX} pixels",
    "odd shape": f"one side more than {ODD_ASPECT:g} times the other: padding fills the rest",
}


def spread(samples: Samples, qualities: Qualities) -> str:
    """Returns histograms of light, sharpness and skin tone, and each source's medians."""
    every = [qualities[sample.path] for sample in samples]
    tenths = [i / 10 for i in range(11)]
    doublings = [0.0, 10, 20, 40, 80, 160, 320, 640, 1280, math.inf]
    plots = (
        parts.histogram(
            "Brightness",
            histogram([q.brightness for q in every], tenths),
            [f"{edge:.1f}–" for edge in tenths[:-1]],
        ),
        parts.histogram(
            "Sharpness",
            histogram([q.sharpness for q in every], doublings),
            [f"{edge:g}–" for edge in doublings[:-1]],
        ),
        parts.histogram(
            "Skin tone as photographed",
            list(bands(every).values()),
            [band.replace("intermediate", "inter- mediate") for band in BANDS],
        ),
    )
    rows = [
        (source, *(_figure(value) for value in m.values()), _band(m["skin_ita_deg"]))
        for source, m in source_medians(samples, qualities).items()
    ]
    head = ("median of", "brightness", "sharpness", "skin tone, ITA°", "band")
    borders = ", ".join(f"{name} above {_figure(above)}°" for name, above in SKIN_BANDS[:-1])
    return (
        "<p>A rough spread of light and skin, not a statement about people: the same hand "
        "measures lighter by a window than under a lamp, and a wooden door can pass for skin. "
        "What is missing here was never learnt.</p>"
        f'<div class="plots">{"".join(plots)}</div>{parts.table(head, rows)}'
        '<p class="note">Brightness: mean luma of what is not black. Sharpness: variance of the '
        "Laplacian at 200 pixels. Skin tone: individual typology angle of the median "
        f"skin-coloured pixel; {borders}, dark below.</p>"
    )


def _figure(value: float | None) -> str:
    return (
        "–"
        if value is None
        else f"{value:.2f}"
        if abs(value) < 1
        else f"{value:,.0f}".replace("-", "−")
    )


def _band(ita_deg: float | None) -> str:
    return "–" if ita_deg is None else skin_band(ita_deg)


def remarks(folder: Path, samples: Samples, qualities: Qualities) -> str:
    """Returns how many pictures are dark, blurred …, and the furthest off of each kind."""
    found = {remark: those for remark, those in remarked(samples, qualities).items() if those}
    if not found:
        return "<p>None is dark, bright, blurred, tiny or of odd shape.</p>"
    return "".join(
        f"<h3>{escape(remark.capitalize())}: {len(those):,} "
        f"({parts.share(len(those), len(samples))})</h3>"
        f'<p class="note">{escape(_REMARK_MEANS[remark])}; one of each family, the furthest off '
        "first</p>" + parts.thumbs(folder, first_of_groups(those)[:REMARK_PICTURES])
        for remark, those in found.items()
    )


def families(report: Report, folder: Path, samples: Samples) -> str:
    """Returns the largest groups, each by its first, middle and last picture."""
    found = largest_groups(samples, FAMILIES)
    if not found:
        return "<p>Every picture is a group of its own.</p>"
    cards = "".join(
        f'<div class="card">{parts.thumbs(folder, evenly(family, 3))}'
        f"<p><b>{len(family):,} pictures</b> in {escape(_all(s.split for s in family))}<br>"
        f"{escape(_all(s.label for s in family))} of {escape(_all(s.source for s in family))}</p>"
        f'<p class="note">group {escape(family[0].group)}</p></div>'
        for family in found
    )
    what = "pictures that were named one group" if named_by(report) else "near duplicates"
    return (
        f"<p>First, middle and last picture of each: {what}, which count as one where it matters. "
        f'A split by groups tears none apart.</p><div class="families">{cards}</div>'
    )


def _all(names: Iterable[str], most: int = 4) -> str:
    distinct = sorted(set(names))
    rest = f" and {len(distinct) - most:,} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + rest


def conflicts(report: Report) -> str:
    """Returns the pictures that lie under several classes, opened where they came from."""
    clashes = report.get("conflicts") or ()
    if not clashes:
        return "<p>No picture lies under two classes.</p>"
    rows = "".join(
        f"<tr><td>{parts.thumb(Path(c['paths'][0]), c['paths'][0])}</td>"
        f'<td class="path">{"<br>".join(escape(path) for path in c["paths"][:PATHS])}</td></tr>\n'
        for c in clashes[:CONFLICTS]
    )
    head = '<th scope="col">picture</th><th scope="col">lies at</th>'
    return (
        "<p>All copies were left out: nobody can say which class is right.</p>"
        + parts.scroll(
            f'<table class="wide"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>',
            "conflicts",
        )
        + parts.more(len(clashes), CONFLICTS)
    )
