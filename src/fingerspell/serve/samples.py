"""One picture of every class, for trying a recogniser end to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerspell import files
from fingerspell.errors import DataError
from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser

SPLITS = ("test", "val", "train")
"""Where a class's sample is looked for, in this order."""

SIDE_PX = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """The bytes of one picture of a class; `None` where its folder holds no picture."""

    label: str
    name: str
    picture: bytes | None


def class_folders(folder: Path) -> dict[str, Path]:
    """Returns the visible sub-folders of a folder by name; none where there is no such folder."""
    return {path.name: path for path in files.folders(folder)}


def first_picture(folders: Sequence[Path]) -> Path | None:
    """Returns the first picture, by name, of the first folder that has one."""
    return next((path for folder in folders for path in files.pictures(folder)), None)


def folder_samples(folder: Path) -> tuple[Sample, ...]:
    """Returns a sample for each class of a prepared data set, or of a folder of class folders.

    Raises `DataError` where there is neither.
    """
    splits = [class_folders(folder / split) for split in SPLITS]
    if not any(splits):
        splits = [class_folders(folder)]
    labels = sorted({label for split in splits for label in split})
    if not labels:
        raise DataError(
            found=f"no class folders in {folder}",
            expected="a prepared data set (test/A, test/B, …) or a folder of class folders",
            fix="prepare one (python backend/prepare_dataset.py --input_dir … --output_dir "
            "dataset), or name another with --dataset_dir or --samples",
        )
    return tuple(_sample(label, [s[label] for s in splits if label in s]) for label in labels)


def _sample(label: str, folders: Sequence[Path]) -> Sample:
    path = first_picture(folders)
    if path is None:
        return Sample(label, str(folders[0]), None)
    return Sample(label, str(path), path.read_bytes())


def grey_samples(mock: MockRecogniser) -> tuple[Sample, ...]:
    """Returns a plain grey picture for each label of the stand-in: nothing needs to be there."""
    return tuple(
        Sample(
            label,
            f"grey {mock.grey_level(label)}",
            encode_jpeg(np.full((SIDE_PX, SIDE_PX, 3), mock.grey_level(label), np.uint8)),
        )
        for label in mock.labels
    )
