"""Which file of a data set folder holds which picture, and how it gets there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fingerspell.data.content import content
from fingerspell.data.examine import Picture
from fingerspell.data.manifest import HELD_OUT, Sample
from fingerspell.data.place import link_or_copy, put
from fingerspell.progress import Progress


def samples_of(
    pictures: Sequence[Picture], groups: Sequence[str], splits: Sequence[str]
) -> list[Sample]:
    """Returns the manifest's rows: where each picture will lie, and what is known of it."""
    several = len({picture.file.source for picture in pictures}) > 1
    return [
        Sample(
            _place(picture, split, several),
            picture.file.label,
            split,
            group,
            picture.file.source,
            picture.sha256,
            picture.dhash,
            picture.width,
            picture.height,
        )
        for picture, group, split in zip(pictures, groups, splits, strict=True)
    ]


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
