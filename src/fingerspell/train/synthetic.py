"""Synthetic hands beside the user's photographs: other people, rooms and lights for nothing."""

from __future__ import annotations

import shutil
import string
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fingerspell.dataset.manifest import Sample
from fingerspell.labels import ALPHABET
from fingerspell.synth import write_dataset
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.dataset import TRUTH_NAME

SOURCE = "synthetic"
NOTHING = "nothing"

SYNTHETIC_SIGNS = {*ALPHABET, *string.digits}
"""Signs whose hands are known here."""

NON_LETTERS = ("3", "5", "8")
"""Hands that are no letter, shown as `nothing`. 4 looks like B; 7 is left to fit the threshold
and to measure: the others look like a letter, 0 like O, 1 like D, 2 like V, 6 like W, 9 like F."""

NON_LETTER_SHARE = 0.25
"""How many of the synthetic pictures of `nothing` show one."""


def drawable(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those of `labels` that the project can draw; a user's own sign it cannot."""
    return tuple(label for label in labels if label in ALPHABET)


def non_letter_signs(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns drawn signs that show none of `labels`, for `nothing` to be the right answer to.

    None without that class, and none beside a sign of the user's own: a synthetic hand may show it.
    """
    if NOTHING not in labels or not SYNTHETIC_SIGNS.issuperset(labels):
        return ()
    return tuple(sign for sign in NON_LETTERS if sign not in labels)


def draw_samples(
    folder: Path,
    labels: tuple[str, ...],
    per_class: int,
    seed: int,
    side_px: int,
    config: SynthConfig | None = None,
) -> tuple[Sample, ...]:
    """Draws `per_class` training pictures of every drawable label into `folder`.

    `STRAY_SHARE` of those of `nothing` show hands, but no label. The folder appears whole or not
    at all; one that is there already is taken as it is, so that a resumed run learns from the same
    pictures. Their paths are absolute: they lie outside the data set, belong to its training split
    only, and each is a group of its own.
    """
    chosen, signs, size_px = drawable(labels), non_letter_signs(labels), (side_px, side_px)
    of_each = round(NON_LETTER_SHARE * per_class / len(signs)) if signs else 0
    if not folder.is_dir():
        if of_each:
            shutil.rmtree(_non_letters_of(folder), ignore_errors=True)
            write_dataset(_non_letters_of(folder), of_each, seed, size_px, signs, config)
        write_dataset(folder, per_class, seed, size_px, chosen, config)
    pictures = {label: sorted((folder / label).iterdir()) for label in chosen}
    if of_each:
        shown = [path for x in signs for path in sorted((_non_letters_of(folder) / x).iterdir())]
        pictures[NOTHING] = [*pictures[NOTHING][len(shown) :], *shown]
    return tuple(
        Sample(
            path=str(path.resolve()),
            label=label,
            split="train",
            group=f"{SOURCE}/{path.parent.name}/{path.name}",
            source=SOURCE,
            sha256="",
            dhash="",
            width=side_px,
            height=side_px,
        )
        for label, paths in pictures.items()
        for path in paths
    )


def _non_letters_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_strays")


VALIDATED_ON = 2
"""Synthetic hands of each class that an adaptation is measured on, and does not learn from."""


@contextmanager
def synthetic_beside(
    output_dir: Path, labels: tuple[str, ...], per_class: int, seed: int, side_px: int
) -> Iterator[Path]:
    """Gives a folder of synthetic hands, `train` and `val`, that is gone again afterwards."""
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
    """Removes synthetic pictures that no run needs any more: their seed draws them again."""
    for place in (folder, _non_letters_of(folder)):
        shutil.rmtree(place, ignore_errors=True)
