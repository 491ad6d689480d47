"""`data_card.md`: what to know before training on a data set or quoting its scores."""

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from fingerspell import __version__
from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Qualities, bands, remarked, source_medians
from fingerspell.labels import MOVING, in_order
from fingerspell.report import text
from fingerspell.report.data_quality import grouped, split_order
from fingerspell.report.pages import card, table
from fingerspell.report.text import UNKNOWN, Report

CARD_NAME = "data_card.md"

_Samples = Sequence[Sample]


def data_card(report: Report, samples: _Samples, qualities: Qualities) -> str:
    """Returns the card as Markdown; names from outside cannot break its tables.

    `report`: what `report.json` holds. `qualities`: by `Sample.path`.
    """
    own = [sample for sample in samples if sample.split != HELD_OUT]
    tones = bands(qualities[sample.path] for sample in samples)
    total = max(1, sum(tones.values()))
    return card(
        "data_card.md.j2",
        report=report,
        version=__version__,
        headline=text.data_headline(report),
        sources=_sources(samples),
        classes=_classes(samples),
        settings=_settings(report),
        kind=text.group_kind(report),
        named_by=text.named_by(report),
        naming=text.naming(report, example=False),
        tones=[(name, f"{100 * count / total:.0f}") for name, count in tones.items()],
        light=_light(samples, qualities),
        remarks=[
            (name, len(those)) for name, those in remarked(samples, qualities).items() if those
        ],
        limits=_limits(report, own),
    )


def _sources(samples: _Samples) -> Markup:
    parts = grouped(samples, lambda sample: sample.source)
    return _counts("source", [(source, parts[source], parts[source]) for source in sorted(parts)])


def _classes(samples: _Samples) -> Markup:
    """Pictures of every split; groups are those to learn from, as in the headline."""
    parts = grouped(samples, lambda sample: sample.label)
    return _counts(
        "class",
        [
            (label, parts[label], [s for s in parts[label] if s.split != HELD_OUT])
            for label in in_order(parts)
        ],
    )


def _counts(what: str, parts: Sequence[tuple[str, _Samples, _Samples]]) -> Markup:
    """A line for each name: its samples by split, and the groups of the last."""
    splits = split_order(sample for _, part, _ in parts for sample in part)
    rows = [
        (
            name,
            *(f"{sum(sample.split == split for sample in part):,}" for split in splits),
            f"{len({sample.group for sample in grouped_part}):,}",
        )
        for name, part, grouped_part in parts
    ]
    return table((what, *splits, "groups"), rows)


def _settings(report: Report) -> list[tuple[str, str]]:
    """One line a setting. Of a path only the last part: a card is for showing around."""
    settings = []
    for name, value in report["config"].items():
        values = [str(part) for part in (value if isinstance(value, list | tuple) else [value])]
        if name in ("input_dirs", "groups_csv"):
            values = [re.split(r"[\\/]", path.rstrip("\\/"))[-1] for path in values]
        settings.append((name.replace("_", " "), ", ".join(values) or UNKNOWN))
    return settings


def _light(samples: _Samples, qualities: Qualities) -> Markup:
    def said(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value:g}"

    rows = [
        (source, said(m["brightness"]), said(m["sharpness"]), said(m["skin_ita_deg"]))
        for source, m in source_medians(samples, qualities).items()
    ]
    return table(("median of", "brightness", "sharpness", "skin tone, ITA°"), rows)


def _limits(report: Report, own: _Samples) -> list[str]:
    """Returns what these very pictures cannot show; `own`: those to learn from."""
    by_label = grouped(own, lambda sample: sample.label)
    sources = {label: {sample.source for sample in part} for label, part in by_label.items()}
    several = len({sample.source for sample in own}) > 1
    alone = _names(label for label, seen in sources.items() if len(seen) == 1)
    missed, moving = text.off_shares(report), _names(x for x in by_label if x in MOVING)
    limits = {
        "All pictures to learn from come from one source.": not several,
        f"In one source only: {alone}; its hand, room and camera go along.": alone and several,
        **{f"Classes with {said}.": True for said in text.thin(report)},
        f"{missed}.": missed,
        f"{moving}: movements in the alphabet; a still shows part of them.": moving,
    }
    return [limit for limit, holds in limits.items() if holds]


def _names(labels: Iterable[str]) -> str:
    return ", ".join(in_order(labels))
