"""The public data sets that `fingerspell download` knows, with the licence each came under."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

from fingerspell.labels import ALPHABET


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
        note="other hands before real backgrounds: strangers to measure on, not to train on",
        then="evaluate --strangers {folder}",
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
