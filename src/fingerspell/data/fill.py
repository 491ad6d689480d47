"""Which file of a data set folder holds which picture, and how it gets there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from fingerspell.data.content import content
from fingerspell.data.examine import Picture
from fingerspell.data.layouts.naming import same_name
from fingerspell.data.manifest import HELD_OUT, Sample
from fingerspell.data.place import link_or_copy, put
from fingerspell.progress import Progress

_MOST_BYTES = 255
"""The longest file name that the usual file systems hold, in UTF-8."""

_LONGEST_END = 16
"""Bytes of an extension, its dot included; what is longer is part of the name."""

_ATTEMPTS = 8
"""A mark would have to be the name of another picture by chance, each time."""


def samples_of(
    pictures: Sequence[Picture], groups: Sequence[str], splits: Sequence[str]
) -> list[Sample]:
    """Returns the manifest's rows: where each picture will lie, and what is known of it.

    No two lie in the same place, also where capitals make no difference. The order of the
    pictures decides nothing.
    """
    return [
        Sample(
            place,
            picture.file.label,
            split,
            group,
            picture.file.source,
            picture.sha256,
            picture.dhash,
            picture.width,
            picture.height,
        )
        for picture, group, split, place in zip(
            pictures, groups, splits, _places(pictures, splits), strict=True
        )
    ]


def _places(pictures: Sequence[Picture], splits: Sequence[str]) -> list[str]:
    """Returns where each picture lies; names too long, or met twice, get a mark of their own."""
    several = len({picture.file.source for picture in pictures}) > 1
    places = [_place(*each, several) for each in zip(pictures, splits, strict=True)]
    for attempt in range(_ATTEMPTS):
        odd = _odd(places)
        for i in odd:
            places[i] = _marked(places[i], pictures[i], attempt)
        if not odd:
            break
    return places


def _odd(places: Sequence[str]) -> list[int]:
    """Returns which file names are too long, and which places are those of others too."""
    keys = [same_name(place) for place in places]
    met = Counter(keys)
    return [i for i, place in enumerate(places) if met[keys[i]] > 1 or _too_long(place)]


def _too_long(place: str) -> bool:
    return len(place.rpartition("/")[2].encode("utf-8")) > _MOST_BYTES


def _marked(place: str, picture: Picture, attempt: int) -> str:
    """Returns the place with a mark before the extension, the name cut where it is too long.

    The mark says which picture of which source it is, and is another in each attempt.
    """
    file, (folder, _, name) = picture.file, place.rpartition("/")
    identity = "\0".join((str(attempt), file.source, file.label, file.file_name))
    mark = "~" + hashlib.sha256(identity.encode("utf-8")).hexdigest()[:8]
    end = PurePosixPath(name).suffix
    if len(end.encode("utf-8")) > _LONGEST_END:
        end = ""
    room = _MOST_BYTES - len(f"{mark}{end}".encode())
    stem = name.removesuffix(end).encode("utf-8")[:room].decode("utf-8", "ignore")
    return f"{folder}/{stem}{mark}{end}"


def _place(picture: Picture, split: str, several: bool) -> str:
    """Returns where a picture lies in the data set, with forward slashes."""
    file = picture.file
    if split == HELD_OUT:
        return f"{split}/{file.source}/{file.label}/{file.file_name}"
    name = f"{file.source}__{file.file_name}" if several else file.file_name
    return f"{split}/{file.label}/{name}"


def write_pictures(folder: Path, samples: Sequence[Sample], pictures: Sequence[Picture]) -> int:
    """Links, copies or writes every picture; returns how many were linked."""
    for parent in sorted({sample.path.rpartition("/")[0] for sample in samples}):
        (folder / parent).mkdir(parents=True)
    linked = 0
    with Progress(len(samples), "writing") as progress:
        for sample, picture in zip(samples, pictures, strict=True):
            target = f"{folder}/{sample.path}"  # As text: a `Path` takes as long as the link.
            if picture.file.part is None:
                linked += link_or_copy(picture.file.path, target)
            else:
                put(content(picture.file), target)
            progress.advance()
    return linked
