"""Synthetic hands for training: letters beside the photographs, and hands that show no letter."""

import dataclasses
import shutil
import string
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.labels import ALPHABET, NOTHING
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.dataset import TRUTH_NAME, write_dataset
from fingerspell.synth.picture import draw

SOURCE = "synthetic"

_SYNTHETIC_SIGNS = {*ALPHABET, *string.digits}
"""Signs that can be rendered."""

NON_LETTERS = ("3", "5", "8")
"""Hands that show no letter, trained as `nothing`. 4 looks like B, and 7 is kept for fitting and
measuring the threshold. The others look like a letter: 0 like O, 1 like D, 2 like V, 6 like W, 9
like F."""

NON_LETTER_SHARE = 0.25
"""Share of the synthetic pictures of `nothing` that show one."""

THRESHOLD_NON_LETTERS = ("4", "7")
"""Hands that show no letter, and that training does not use: the threshold is fitted on them."""

THRESHOLD_NON_LETTERS_EACH = 50

_VALIDATED_ON = 2
"""Synthetic hands of each class that an adaptation is validated on."""


def with_synthetic(
    manifest: Manifest, folder: Path, per_class: int, seed: int, side_px: int
) -> Manifest:
    """Returns the manifest with `per_class` synthetic hands a class in its training split.

    They are rendered into `folder`; see `draw_samples`.
    """
    if per_class == 0 or not drawable(manifest.labels):
        return manifest
    print(f"drawing {per_class} synthetic hands of every class …", flush=True)
    synthetic = draw_samples(folder, manifest.labels, per_class, seed, side_px)
    return dataclasses.replace(manifest, samples=(*manifest.samples, *synthetic))


def drawable(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those of `labels` that can be rendered; a user's own sign cannot."""
    return tuple(label for label in labels if label in ALPHABET)


def draw_samples(
    folder: Path,
    labels: tuple[str, ...],
    per_class: int,
    seed: int,
    side_px: int,
    config: SynthConfig | None = None,
) -> tuple[Sample, ...]:
    """Renders `per_class` synthetic training pictures of every drawable label into `folder`.

    `NON_LETTER_SHARE` of those of `nothing` show hands that are no label. The folder is written
    atomically, and an existing one is used as it is, so that a resumed run trains on the same
    pictures. Their paths are absolute: they lie outside the data set, belong to its training split
    only, and each is a group of its own.
    """
    chosen, signs, size_px = drawable(labels), _non_letter_signs(labels), (side_px, side_px)
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
            width=side_px,
            height=side_px,
        )
        for label, paths in pictures.items()
        for path in paths
    )


def remove_drawn(folder: Path) -> None:
    """Removes the synthetic pictures of a finished run: their seed renders them again."""
    for one in (folder, _non_letters_of(folder)):
        shutil.rmtree(one, ignore_errors=True)


def _non_letter_signs(labels: Sequence[str]) -> tuple[str, ...]:
    """Returns the signs of `NON_LETTERS` that show none of `labels`; the answer to them: `nothing`.

    Empty without that class, and beside a sign of the user's own: a synthetic hand may show it.
    """
    if NOTHING not in labels or not _SYNTHETIC_SIGNS.issuperset(labels):
        return ()
    return tuple(sign for sign in NON_LETTERS if sign not in labels)


def _non_letters_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}_non_letters")


def non_letters(labels: Sequence[str], size_px: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Renders hands that show none of `labels`: float32 (N, h, w, 3) in [0, 1]; N may be 0.

    It is 0 beside a sign of the user's own: a synthetic hand may show just that.
    """
    known = _SYNTHETIC_SIGNS.issuperset(labels)
    signs = [sign for sign in THRESHOLD_NON_LETTERS if known and sign not in labels]
    numbers = range(THRESHOLD_NON_LETTERS_EACH)
    rows = [draw(sign, seed + i, size_px).rgb for sign in signs for i in numbers]
    if not rows:
        return np.zeros((0, *size_px, 3), np.float32)
    return np.stack(rows).astype(np.float32) / np.float32(255)


@contextmanager
def synthetic_beside(
    output_dir: Path, labels: tuple[str, ...], per_class: int, seed: int, side_px: int
) -> Iterator[Path]:
    """Gives a temporary folder of synthetic hands, `train` and `val`, for an adaptation."""
    with tempfile.TemporaryDirectory(prefix=".drawn-", dir=output_dir) as work:
        folder = Path(work) / SOURCE
        chosen, size_px = drawable(labels), (side_px, side_px)
        print(f"drawing {per_class} synthetic hands of every class …", flush=True)
        write_dataset(folder / "train", per_class, seed, size_px, chosen)
        write_dataset(folder / "val", _VALIDATED_ON, seed + 1, size_px, chosen)
        for split in ("train", "val"):
            (folder / split / TRUTH_NAME).unlink()
        yield folder
