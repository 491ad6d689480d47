"""Image quality on the data set's page: brightness, sharpness, skin tone, odd pictures."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fingerspell.dataset.manifest import Sample
from fingerspell.dataset.quality import (
    BANDS,
    BLURRED,
    BRIGHT,
    DARK,
    ODD_ASPECT,
    SKIN_BANDS,
    TINY_PX,
    Qualities,
    Quality,
    bands,
    remarked,
    skin_band,
    source_medians,
)
from fingerspell.report.examples import first_of_groups
from fingerspell.report.pages import thumbs
from fingerspell.report.text import UNKNOWN, part_of

_REMARK_PICTURES = 12
"""Most pictures a remark that are shown."""

_REMARK_MEANS = {
    "dark": f"mean brightness below {DARK:g} of 1",
    "bright": f"mean brightness above {BRIGHT:g} of 1",
    "blurred": f"sharpness below {BLURRED:g}; a hand before a flat wall comes close to it",
    "tiny": f"shorter side below {TINY_PX} pixels",
    "odd shape": f"one side more than {ODD_ASPECT:g} times the other: padding fills the rest",
}

_Samples = Sequence[Sample]


def plots(qualities: Sequence[Quality]) -> list[dict[str, Any]]:
    """Returns the bars of three histograms: light, sharpness and skin tone."""
    tenths = [i / 10 for i in range(11)]
    doublings = [0.0, 10, 20, 40, 80, 160, 320, 640, 1280, math.inf]
    return [
        _plot(
            "Brightness",
            _histogram([q.brightness for q in qualities], tenths),
            [f"{edge:.1f}–" for edge in tenths[:-1]],
        ),
        _plot(
            "Sharpness",
            _histogram([q.sharpness for q in qualities], doublings),
            [f"{edge:g}–" for edge in doublings[:-1]],
        ),
        _plot(
            "Skin tone as photographed",
            list(bands(qualities).values()),
            [band.replace("intermediate", "inter- mediate") for band in BANDS],
        ),
    ]


def _histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Counts values between neighbouring edges; those beyond an end count in the last bin there."""
    inner = edges[1:-1]
    counts = Counter(bisect_right(inner, value) for value in values)
    return [counts[place] for place in range(len(edges) - 1)]


def _plot(title: str, counts: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    bars = [
        {"name": name, "count": count, "share": part_of(count, max(1, sum(counts)))}
        for name, count in zip(names, counts, strict=True)
    ]
    said = ", ".join(f"{n} {c:,}" for n, c in zip(names, counts, strict=True))
    return {"title": title, "bars": bars, "text": f"{title}: {said}"}


def medians(samples: _Samples, qualities: Qualities) -> list[tuple[str, ...]]:
    """Returns a row a source: brightness, sharpness, skin tone as an angle and in words."""
    return [
        (source, *(_figure(value) for value in m.values()), _band(m["skin_ita_deg"]))
        for source, m in source_medians(samples, qualities).items()
    ]


def borders() -> list[tuple[str, str]]:
    """Returns each skin band but the last, and the angle that it lies above."""
    return [(name, _figure(above)) for name, above in SKIN_BANDS[:-1]]


def _figure(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if abs(value) < 1 else f"{value:,.0f}".replace("-", "−")


def _band(ita_deg: float | None) -> str:
    return UNKNOWN if ita_deg is None else skin_band(ita_deg)


def remarks(folder: Path, samples: _Samples, qualities: Qualities) -> list[dict[str, Any]]:
    """Returns how many pictures are dark, blurred …, and the furthest off of each kind."""
    return [
        {
            "title": f"{remark.capitalize()}: {len(those):,} ({part_of(len(those), len(samples))})",
            "means": _REMARK_MEANS[remark],
            "thumbs": thumbs(folder, first_of_groups(those)[:_REMARK_PICTURES]),
        }
        for remark, those in remarked(samples, qualities).items()
        if those
    ]
