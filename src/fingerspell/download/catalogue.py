"""Public data sets on Kaggle: publisher, licence, expected counts, check of a download."""

import os
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fingerspell.labels import ALPHABET

_WHOLE_SHARE = 0.99
PICTURES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSet:
    """One data set on Kaggle: `handle` is `owner/name`, `note` what its users should know.

    `pictures` counts those in folders named like a class, `size_bytes` what the archive weighs,
    roughly. `then` are the arguments of the command that a user wants next; `{folder}` is where
    the set lies.
    """

    handle: str
    publisher: str
    licence: str
    size_bytes: int
    classes: tuple[str, ...]
    pictures: int
    note: str
    then: str


CATALOGUE: Mapping[str, PublicSet] = {
    "asl-alphabet": PublicSet(
        handle="grassknoted/asl-alphabet",
        publisher="Akash Nagaraj, 2018",
        licence="GPL-2.0",
        size_bytes=1_100_000_000,
        classes=ALPHABET,
        pictures=87_000,
        note="video frames of one hand in one room: a network trained on it alone reads few others",
        then="prepare --input_dir {folder}",
    ),
    "asl-alphabet-test": PublicSet(
        handle="danrasband/asl-alphabet-test",
        publisher="Dan Rasband, 2018",
        licence="CC0-1.0 (public domain)",
        size_bytes=27_000_000,
        classes=ALPHABET,
        pictures=870,
        note="other hands before real backgrounds: unseen signers to measure on, not to train on",
        then="evaluate --unseen_signers {folder}",
    ),
    "massey": PublicSet(
        handle="ayuraj/asl-dataset",
        publisher="Ayush Thakur, 2020; photographs of Massey University, 2012",
        licence="CC0-1.0 (public domain)",
        size_bytes=40_000_000,
        classes=tuple(string.digits + string.ascii_lowercase),
        pictures=5_030,
        note="five hands, cut out on black; the archive holds its 2,515 pictures twice, the second "
        "time in a folder of the first",
        then=r'prepare --input_dir {folder}/asl_dataset --group_by "hand(\d+)"',
    ),
}
"""By the name that the command line takes."""


def licence_lines(name: str) -> list[str]:
    """Returns what a user should read before anything is fetched."""
    one = CATALOGUE[name]
    return [
        f"{name}: {one.pictures:,} pictures of {len(one.classes)} classes, about "
        f"{one.size_bytes / 1e6:,.0f} MB",
        f"  from      Kaggle, {one.handle} ({one.publisher})",
        f"  licence   {one.licence}",
        f"  know      {one.note}",
    ]


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
    return all(counts.values()) and sum(counts.values()) >= _WHOLE_SHARE * known.pictures


def counted(counts: Mapping[str, int], known: PublicSet) -> str:
    """Returns the counts as text, and how they differ from the known ones."""
    pictures = sum(counts.values())
    there = [name for name, count in counts.items() if count]
    said = f"{pictures:,} pictures of {len(there)} classes"
    if pictures != known.pictures:
        more = pictures - known.pictures
        said += f", {abs(more):,} {'more' if more > 0 else 'fewer'} than known"
    if missing := [name for name, count in counts.items() if not count]:
        said += f", none of {', '.join(missing)}"
    return said
