"""Did a data set come whole? Its classes and pictures against the known figures."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from fingerspell.download.catalogue import PublicSet

PICTURES = (".jpg", ".jpeg", ".png")
WHOLE_SHARE = 0.99


def count_classes(folder: Path, known: PublicSet) -> Mapping[str, int]:
    """Returns pictures a class, in folders named like one at any depth; 0 where there is none."""
    names = {name.casefold(): name for name in known.classes}
    counts = Counter(dict.fromkeys(known.classes, 0))
    for here, _, files in os.walk(folder):
        if (label := names.get(Path(here).name.casefold())) is not None:
            counts[label] += sum(name.lower().endswith(PICTURES) for name in files)
    return counts


def is_whole(counts: Mapping[str, int], known: PublicSet) -> bool:
    """Says whether every class is there and 99 in 100 of the pictures."""
    return all(counts.values()) and sum(counts.values()) >= WHOLE_SHARE * known.pictures


def told(counts: Mapping[str, int], known: PublicSet) -> str:
    """Returns the figures in words, and how they differ from the known ones."""
    pictures = sum(counts.values())
    there = [name for name, count in counts.items() if count]
    said = f"{pictures:,} pictures of {len(there)} classes"
    if pictures != known.pictures:
        more = pictures - known.pictures
        said += f", {abs(more):,} {'more' if more > 0 else 'fewer'} than known"
    if missing := [name for name, count in counts.items() if not count]:
        said += f", none of {', '.join(missing)}"
    return said
