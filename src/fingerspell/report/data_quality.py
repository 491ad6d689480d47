"""Image quality on the data set's page, and its example pictures of classes and groups."""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fingerspell.dataset import quality
from fingerspell.dataset.manifest import SPLITS, Sample
from fingerspell.dataset.quality import Qualities, Quality
from fingerspell.files import evenly_spaced
from fingerspell.report.pages import thumbs
from fingerspell.report.text import UNKNOWN, part_of

T = TypeVar("T")


def split_order(samples: Iterable[Sample]) -> tuple[str, ...]:
    """Returns the splits that occur: train, val and test first, then any other by name."""
    seen = {sample.split for sample in samples}
    return (*(s for s in SPLITS if s in seen), *sorted(seen - set(SPLITS)))


def grouped(
    samples: Iterable[Sample], by: Callable[[Sample], str]
) -> Mapping[str, Sequence[Sample]]:
    """Returns the samples by a key, keys and samples in the order they come."""
    parts: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        parts[by(sample)].append(sample)
    return parts


def evenly(items: Sequence[T], count: int) -> list[T]:
    """Returns up to `count` items at even distances, the first and the last among them."""
    return evenly_spaced(items, min(count, len(items)), ends=len(items) > count)


def of_class(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Returns up to `count` pictures of one class, spread over splits, sources and groups.

    Every split gives the same number where it has as many; within a split no group gives two
    while another gives none.
    """
    parts = grouped(samples, lambda sample: sample.split)
    order = split_order(samples)
    room = dict.fromkeys(order, 0)
    for _ in range(min(count, len(samples))):
        free = [split for split in order if room[split] < len(parts[split])]
        room[min(free, key=lambda split: room[split])] += 1
    return [sample for split in order for sample in _of_split(parts[split], room[split])]


def _of_split(samples: Sequence[Sample], count: int) -> list[Sample]:
    ordered = sorted(samples, key=lambda sample: (sample.source, sample.group, sample.path))
    groups = [
        part[len(part) // 2] for part in grouped(ordered, lambda sample: sample.group).values()
    ]
    if len(groups) >= count:
        return evenly(groups, count)
    chosen = set(groups)
    chosen |= set(evenly([s for s in ordered if s not in chosen], count - len(groups)))
    return [sample for sample in ordered if sample in chosen]


def _first_of_groups(samples: Iterable[Sample]) -> list[Sample]:
    """Returns the first picture of each group, in the order they come."""
    return [part[0] for part in grouped(samples, lambda sample: sample.group).values()]


def largest_groups(samples: Iterable[Sample], count: int) -> list[Sequence[Sample]]:
    """Returns the `count` largest groups of two pictures or more, each in order of path."""
    groups = grouped(samples, lambda sample: sample.group)
    several = [item for item in groups.items() if len(item[1]) > 1]
    largest = sorted(several, key=lambda item: (-len(item[1]), item[0]))[:count]
    return [sorted(part, key=lambda sample: sample.path) for _, part in largest]


_REMARK_PICTURES = 12
"""Most pictures a remark that are shown."""

_REMARK_MEANS = {
    "dark": f"mean brightness below {quality.DARK:g} of 1",
    "bright": f"mean brightness above {quality.BRIGHT:g} of 1",
    "blurred": f"sharpness below {quality.BLURRED:g}; a hand before a flat wall comes close to it",
    "tiny": f"shorter side below {quality.TINY_PX} pixels",
    "odd shape": f"one side more than {quality.ODD_ASPECT:g} times the other: padding fills the "
    "rest",
    quality.EMPTY: "nothing can be seen; depth maps of 16 bits come out black",
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
            list(quality.bands(qualities).values()),
            [band.replace("intermediate", "inter- mediate") for band in quality.BANDS],
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
        for source, m in quality.source_medians(samples, qualities).items()
    ]


def borders() -> list[tuple[str, str]]:
    """Returns each skin band but the last, and the angle that it lies above."""
    return [(name, _figure(above)) for name, above in quality.SKIN_BANDS[:-1]]


def _figure(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.2f}" if abs(value) < 1 else f"{value:,.0f}".replace("-", "−")


def _band(ita_deg: float | None) -> str:
    return UNKNOWN if ita_deg is None else quality.skin_band(ita_deg)


def remarks(folder: Path, samples: _Samples, qualities: Qualities) -> list[dict[str, Any]]:
    """Returns how many pictures are dark, blurred …, and the furthest off of each kind."""
    return [
        {
            "title": f"{remark.capitalize()}: {len(those):,} ({part_of(len(those), len(samples))})",
            "means": _REMARK_MEANS[remark],
            "thumbs": thumbs(folder, _first_of_groups(those)[:_REMARK_PICTURES]),
        }
        for remark, those in quality.remarked(samples, qualities).items()
        if those
    ]
