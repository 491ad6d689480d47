"""How brightness, sharpness and skin tone are spread over a data set, and which pictures stand out.

Qualities are passed as a mapping from a sample's path to its `Quality`.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fingerspell.data.manifest import Sample
from fingerspell.data.quality import REMARKS, SKIN_BANDS, Quality, remarks, skin_band

Qualities = Mapping[str, Quality]

NO_SKIN = "none found"
BANDS = (*(name for name, _ in SKIN_BANDS), NO_SKIN)
"""The six skin tones from light to dark, and the pictures without one."""


def bands(qualities: Iterable[Quality]) -> dict[str, int]:
    """Counts pictures by skin tone, in the order of `BANDS`."""
    counts = Counter(skin_band(quality.skin_ita_deg) or NO_SKIN for quality in qualities)
    return {band: counts[band] for band in BANDS}


def medians(qualities: Sequence[Quality]) -> dict[str, float | None]:
    """Returns the median of each figure, rounded; None for the skin tone of no skin at all."""
    tones = [q.skin_ita_deg for q in qualities if not math.isnan(q.skin_ita_deg)]
    return {
        "brightness": round(statistics.median(q.brightness for q in qualities), 3),
        "sharpness": round(statistics.median(q.sharpness for q in qualities), 1),
        "skin_ita_deg": round(statistics.median(tones), 1) if tones else None,
    }


def source_medians(
    samples: Iterable[Sample], qualities: Qualities
) -> dict[str, dict[str, float | None]]:
    """Returns `medians` for each source, sources in order of name."""
    by_source: dict[str, list[Quality]] = defaultdict(list)
    for sample in samples:
        by_source[sample.source].append(qualities[sample.path])
    return {source: medians(by_source[source]) for source in sorted(by_source)}


def histogram(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """Counts values between neighbouring edges; those beyond an end count in the last bin there."""
    inner = edges[1:-1]
    counts = Counter(bisect_right(inner, value) for value in values)
    return [counts[place] for place in range(len(edges) - 1)]


def remarked(samples: Iterable[Sample], qualities: Qualities) -> dict[str, list[Sample]]:
    """Returns the pictures that each of `REMARKS` holds for, the worst first."""
    found: dict[str, list[Sample]] = {remark: [] for remark in REMARKS}
    for sample in samples:
        for remark in remarks(qualities[sample.path], sample.width, sample.height):
            found[remark].append(sample)

    def badness(remark: str, sample: Sample) -> float:
        quality = qualities[sample.path]
        small, large = sorted((sample.width, sample.height))
        return {
            "dark": quality.brightness,
            "bright": -quality.brightness,
            "blurred": quality.sharpness,
            "tiny": small,
            "odd shape": -large / small,
        }[remark]

    return {
        remark: sorted(those, key=lambda sample: (badness(remark, sample), sample.path))
        for remark, those in found.items()
    }


def quality_json(samples: Sequence[Sample], qualities: Qualities) -> dict[str, Any]:
    """Returns the spread and the paths of the pictures that stand out, ready for JSON."""
    every = [qualities[sample.path] for sample in samples]
    return {
        "median": medians(every),
        "skin_tones": bands(every),
        "sources": source_medians(samples, qualities),
        "remarks": {
            remark: [sample.path for sample in those]
            for remark, those in remarked(samples, qualities).items()
        },
    }
