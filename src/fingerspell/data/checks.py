"""What prepare refuses to do, each with the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from fingerspell.data.card import CARD_NAME
from fingerspell.data.examine import Picture
from fingerspell.data.found import Bad
from fingerspell.data.manifest import FILE_NAME, HELD_OUT, REPORT_NAME, SPLITS
from fingerspell.data.page import PAGE_NAME
from fingerspell.errors import DataError

OURS = frozenset({FILE_NAME, REPORT_NAME, PAGE_NAME, CARD_NAME, *SPLITS, HELD_OUT})
"""What lies at the top of a data set folder."""

MIN_PICTURES = 3
"""A class needs one picture for each split."""


def check_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    """Refuses an output that touches an input, or that holds anything but a data set."""
    try:
        _check_places(input_dirs, output_dir)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that go in a circle.
        raise DataError(
            found=f"cannot look at --input_dir or --output_dir: {error}",
            expected="folders that may be read",
            fix="check paths, links and permissions",
        ) from error


def _check_places(input_dirs: Sequence[Path], output_dir: Path) -> None:
    output = output_dir.resolve()
    for folder in input_dirs:
        source = folder.resolve()
        if output == source or source in output.parents or output in source.parents:
            raise DataError(
                found=f"output {output_dir} and input {folder} lie inside one another",
                expected="two separate folders: the input is never touched",
                fix="--output_dir dataset, beside the pictures",
            )
    if not output.exists():
        return
    if not output.is_dir():
        raise DataError(
            found=f"{output_dir} is a file",
            expected="a folder, or nothing yet",
            fix="choose another --output_dir",
        )
    names = {path.name for path in output.iterdir()}
    if names and not {FILE_NAME, REPORT_NAME} <= names:
        raise DataError(
            found=f"{output_dir} exists and is not a data set made by prepare",
            expected="an empty or new folder, or a data set of this program",
            fix="choose another --output_dir, or remove that folder yourself",
        )
    if foreign := sorted(name for name in names if name not in OURS and not name.startswith(".")):
        raise DataError(
            found=f"{output_dir} holds more than a data set: {', '.join(foreign[:5])}",
            expected="nothing that prepare did not write: the folder is replaced as a whole",
            fix="move these elsewhere, or choose another --output_dir",
        )


def check_bad(bad: Sequence[Bad], total: int, most: float) -> None:
    """Refuses when nothing can be decoded, or more than the share `most` can't."""
    if len(bad) == total:
        raise DataError(
            found=f"none of {total:,} files is a usable picture, first {bad[0].path}: "
            f"{bad[0].reason}",
            expected="JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF or HEIC pictures",
            fix="check --input_dir",
        )
    if len(bad) > most * total:
        listed = "; ".join(f"{b.path}: {b.reason}" for b in bad[:3])
        raise DataError(
            found=f"{len(bad):,} of {total:,} files are bad: {listed}",
            expected=f"at most {most:.1%} bad files",
            fix=f"mend them, or allow more: --max_bad {len(bad) / total + 0.01:.2f}",
        )


def check_counts(pictures: Sequence[Picture], labels: Collection[str], copies: int = 0) -> None:
    """Refuses classes that cannot be split in three, counted over the usable pictures.

    `copies` were left out, because held-out sources hold the same pictures.
    """
    counts = Counter(picture.file.label for picture in pictures)
    few = [f"{label} ({counts[label]})" for label in sorted(labels) if counts[label] < MIN_PICTURES]
    if few:
        raise DataError(
            found=f"too few usable pictures in class {', '.join(few)}"
            + (f", after {copies:,} copies of held-out pictures were left out" if copies else ""),
            expected=f"at least {MIN_PICTURES} a class: one each for train, val and test",
            fix="add pictures, or take the class folder out",
        )
