"""`report.html` of a data set: one self-contained page, in light and dark colours."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fingerspell.dataset.manifest import HELD_OUT, Sample
from fingerspell.dataset.quality import Qualities
from fingerspell.labels import in_order
from fingerspell.report import data_quality as quality
from fingerspell.report.data_quality import evenly, grouped, largest_groups, of_class, split_order
from fingerspell.report.pages import Thumb, page, split_style, thumb_uri, thumbs
from fingerspell.report.text import (
    Report,
    group_kind,
    held_out_pictures,
    named_by,
    naming,
    off_shares,
)

PAGE_NAME = "report.html"

_LISTED = 200
"""Most lines of a list; the others are in report.json."""

_CLASS_PICTURES = 8
_ALL_CLASS_PICTURES = 480
"""Most pictures a class, and of all classes: the page stays below 5 MB whatever the data set."""

_SOURCES, _CLASSES = 40, 200
"""Most sources, the largest, and classes, the first, set against one another."""

_FAMILIES = 12
_CONFLICTS = 24
_PATHS = 12
"""Most families, conflicts, and paths of one conflict that are shown."""

_Samples = Sequence[Sample]


def write_page(folder: Path, report: Report, samples: _Samples, qualities: Qualities) -> None:
    """Writes `report.html` into the data set folder, whose pictures must be in place.

    `qualities`: by `Sample.path`. Only the pictures that are shown are opened.
    """
    text = _page_html(folder, report, samples, qualities)
    # A file name may hold bytes that are no UTF-8; the page shows question marks for them.
    (folder / PAGE_NAME).write_text(text, encoding="utf-8", errors="replace", newline="\n")


def _page_html(folder: Path, report: Report, samples: _Samples, qualities: Qualities) -> str:
    """Returns the page; every text from outside is escaped. See `write_page`."""
    splits = split_order(samples)
    return page(
        "data_report.html.j2",
        report=report,
        listed=_LISTED,
        tiles=_tiles(report),
        naming=naming(report),
        named_by=named_by(report),
        leaks=_leaks(report),
        crossing=_crossing(report),
        splits=[(_spaced(split), split_style(split)) for split in splits],
        classes=_classes(folder, samples, splits),
        sources=_sources(samples, splits),
        held_out=frozenset(report["held_out"]),
        by_class=_sources_by_class(samples),
        plots=quality.plots([qualities[sample.path] for sample in samples]),
        medians=quality.medians(samples, qualities),
        bands=quality.borders(),
        remarks=quality.remarks(folder, samples, qualities),
        families=_families(folder, samples),
        conflicts=_conflicts(report),
        conflicts_shown=_CONFLICTS,
        off_shares=off_shares(report),
        missed=[(label, f"{most:.1f}") for label, most in report["missed_points"].items()],
        bad=[(one["path"], one["reason"]) for one in report["bad"][:_LISTED]],
        layouts=list(report["layouts"].items())[:_LISTED],
        renamed=[(r["folder"], r["label"], r["source"]) for r in report["renamed"][:_LISTED]],
        settings=_settings(report),
    )


def _tiles(report: Report) -> list[tuple[int, str]]:
    """The page's first figures; zeros of held-out sources are not worth a tile."""
    held_out = len(report["held_out"])
    tiles = (
        (report["pictures"], "pictures"),
        (held_out_pictures(report), "pictures held out"),
        (len(report["classes"]), "classes"),
        (len(report["sources"]) - held_out, "sources"),
        (held_out, "sources held out"),
        (report["groups"], group_kind(report)),
        (len(report["copies_of_unseen_signers"]), "copies of held-out pictures, left out"),
        (len(report["conflicts"]), "pictures under several classes, left out"),
        (len(report["bad"]), "files that cannot be used"),
    )
    return [(count, text) for count, text in tiles if count or "held" not in text]


def _leaks(report: Report) -> list[tuple[str, dict[str, int]]]:
    """What crosses this split and, where it is another, a random one."""
    leak, rule = report["leak"], str(report["config"]["split"])
    kept = ", ".join(report["kept_splits"])
    leaks = [(f"This split ({f'as {kept} came' if kept else rule})", leak["this_split"])]
    if kept or rule != "random":
        leaks.append(("A random split of the same pictures", leak["random_split"]))
    return leaks


def _crossing(report: Report) -> str:
    this = report["leak"]["this_split"]
    named_apart = named_by(report) and not this["torn_groups"]
    apart = ", in groups that were named apart" if named_apart else ""
    if this["test_pictures_with_twin_in_train"]:
        return (
            "Near duplicates, such as neighbouring frames of one video, lie on both sides of this "
            f"split{apart}. A network can answer the test from memory, so its score says nothing "
            "about pictures of another day or person."
        )
    if this["crossing_pairs"] or this["torn_groups"]:
        return (
            f"No test picture has a near duplicate in train, but {this['crossing_pairs']:,} "
            f"near-duplicate pairs{apart and apart + ','} and {this['torn_groups']:,} "
            f"{group_kind(report)} lie on several sides."
        )
    return (
        "No near duplicates lie on both sides of this split, so the test cannot be answered from "
        "memory. It may still hold the people and rooms of the training pictures."
    )


def _classes(folder: Path, samples: _Samples, splits: Sequence[str]) -> list[dict[str, Any]]:
    """A row a class: pictures of each split, groups to learn from, and some of the pictures."""
    by_label = grouped(samples, lambda sample: sample.label)
    each = min(_CLASS_PICTURES, _ALL_CLASS_PICTURES // len(by_label))
    return [
        {
            "label": label,
            "counts": [
                *_split_counts(by_label[label], splits),
                ("groups", len({s.group for s in by_label[label] if s.split != HELD_OUT})),
            ],
            "thumbs": thumbs(folder, of_class(by_label[label], each)),
        }
        for label in in_order(by_label)
    ]


def _sources(samples: _Samples, splits: Sequence[str]) -> list[tuple[str, list[int]]]:
    """A row a source: pictures of each split, groups and classes."""
    return [
        (
            source,
            [
                *(count for _, count in _split_counts(part, splits)),
                len({sample.group for sample in part}),
                len({sample.label for sample in part}),
            ],
        )
        for source, part in sorted(grouped(samples, lambda sample: sample.source).items())
    ]


def _split_counts(samples: _Samples, splits: Sequence[str]) -> list[tuple[str, int]]:
    counts = Counter(sample.split for sample in samples)
    return [(_spaced(split), counts[split]) for split in splits]


def _sources_by_class(samples: _Samples) -> dict[str, Any] | None:
    """Sources against classes, the fuller the deeper; nothing for a single source."""
    sizes = Counter(sample.source for sample in samples)
    if len(sizes) < 2:
        return None
    counts = Counter((sample.source, sample.label) for sample in samples)
    labels = in_order(sample.label for sample in samples)
    shown, most = labels[:_CLASSES], max(counts.values())
    largest = sorted(sizes, key=lambda source: (-sizes[source], source))[:_SOURCES]

    def depths(source: str) -> list[tuple[int, str]]:
        row = (counts[source, label] for label in shown)
        return [(count, f"{math.sqrt(count / most):.2f}") for count in row]

    return {
        "labels": shown,
        "rows": [(source, depths(source)) for source in sorted(largest)],
        "left_out": ((len(sizes), _SOURCES), (len(labels), _CLASSES)),
    }


def _families(folder: Path, samples: _Samples) -> list[dict[str, Any]]:
    """The largest groups, each by its first, middle and last picture."""
    return [
        {
            "pictures": len(family),
            "splits": _names(sample.split for sample in family),
            "labels": _names(sample.label for sample in family),
            "sources": _names(sample.source for sample in family),
            "group": family[0].group,
            "thumbs": thumbs(folder, evenly(family, 3)),
        }
        for family in largest_groups(samples, _FAMILIES)
    ]


def _names(names: Iterable[str], most: int = 4) -> str:
    distinct = sorted(set(names))
    rest = f" and {len(distinct) - most:,} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + rest


def _conflicts(report: Report) -> list[tuple[Thumb, list[str]]]:
    """The pictures that lie under several classes, opened where they came from."""
    return [
        (Thumb(c["paths"][0], "", thumb_uri(Path(c["paths"][0]))), c["paths"][:_PATHS])
        for c in report["conflicts"][:_CONFLICTS]
    ]


def _settings(report: Report) -> list[tuple[str, str]]:
    facts = {**report["config"], "manifest SHA-256": report["manifest_sha256"]}
    values = {name: x if isinstance(x, list | tuple) else [x] for name, x in facts.items()}
    return [(_spaced(name), ", ".join(map(str, several))) for name, several in values.items()]


def _spaced(name: str) -> str:
    """A name that may break between its words on a narrow page."""
    return name.replace("_", " ")
