"""Drawn hands beside the user's photographs: other people, rooms and lights for nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fingerspell.data.manifest import Sample
from fingerspell.labels import ALPHABET
from fingerspell.synth import write_dataset
from fingerspell.synth.dataset import TRUTH_NAME

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


VALIDATED_ON = 2
"""Drawn hands of each class that an adaptation is measured on, and does not learn from."""


@contextmanager
def draw_beside(
    output_dir: Path, labels: tuple[str, ...], per_class: int, seed: int, side_px: int
) -> Iterator[Path]:
    """Gives a folder of drawn hands, `train` and `val`, that is gone again afterwards."""
    with tempfile.TemporaryDirectory(prefix=".drawn-", dir=output_dir) as work:
        folder = Path(work) / SOURCE
        chosen, size_px = drawable(labels), (side_px, side_px)
        print(f"drawing {per_class} hands of every class to rehearse on …", flush=True)
        write_dataset(folder / "train", per_class, seed, size_px, chosen)
        write_dataset(folder / "val", VALIDATED_ON, seed + 1, size_px, chosen)
        for split in ("train", "val"):
            (folder / split / TRUTH_NAME).unlink()
        yield folder


def forget(folder: Path) -> None:
    """Removes drawn pictures that no run needs any more: their seed draws them again."""
    shutil.rmtree(folder, ignore_errors=True)
