"""Drawn hands beside the user's photographs: other people, rooms and lights for nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from fingerspell.data.manifest import Sample
from fingerspell.labels import ALPHABET
from fingerspell.synth import write_dataset

SOURCE = "drawn"


def drawable(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those of `labels` that the project can draw; a user's own sign it cannot."""
    return tuple(label for label in labels if label in ALPHABET)


def draw_samples(
    folder: Path, labels: tuple[str, ...], per_class: int, seed: int, side_px: int
) -> tuple[Sample, ...]:
    """Draws `per_class` training pictures of every drawable label into `folder`.

    The folder appears whole or not at all; one that is there already is taken as it is, so that
    a resumed run learns from the same pictures. Their paths are absolute: they lie outside the
    data set, belong to its training split only, and each is a group of its own.
    """
    chosen = drawable(labels)
    if not folder.is_dir():
        write_dataset(folder, per_class, seed, (side_px, side_px), chosen)
    return tuple(
        Sample(
            path=str(path.resolve()),
            label=label,
            split="train",
            group=f"{SOURCE}/{path.name}",
            source=SOURCE,
            sha256="",
            dhash="",
            width=side_px,
            height=side_px,
        )
        for label in chosen
        for path in sorted((folder / label).iterdir())
    )


def forget(folder: Path) -> None:
    """Removes drawn pictures that no run needs any more: their seed draws them again."""
    shutil.rmtree(folder, ignore_errors=True)
