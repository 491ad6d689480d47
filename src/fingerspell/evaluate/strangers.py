"""Measures a recogniser on a folder of class folders: people it has never seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import DataError
from fingerspell.evaluate.predictions import Probabilities, predict_files
from fingerspell.labels import label_of

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Pictures of other people.

    `unknown` counts those of classes the recogniser lacks; `unreadable` are those left out
    because they are no whole pictures.
    """

    name: str
    paths: tuple[Path, ...]
    y_true: NDArray[np.intp]
    unknown: dict[str, int]
    unreadable: tuple[Path, ...] = ()


def find_strangers(folder: Path, labels: Sequence[str]) -> Strangers:
    """Lists `folder/<CLASS>/*`, classes matched by name (`a` is A, `Delete` is del).

    Hidden files are passed over, and those that are not called like pictures. None is opened.
    Raises `DataError` where no folder is named like a label.
    """
    numbers = {label_of(label).casefold(): number for number, label in enumerate(labels)}
    paths: list[Path] = []
    y_true: list[int] = []
    unknown: dict[str, int] = {}
    for class_dir in _class_folders(folder):
        pictures = _pictures(class_dir)
        number = numbers.get(label_of(class_dir.name).casefold())
        if number is None:
            unknown[class_dir.name] = len(pictures)
        else:
            paths += pictures
            y_true += [number] * len(pictures)
    if not paths:
        raise DataError(
            found=f"no pictures of {', '.join(labels[:3])}, … in {folder}",
            expected="one folder a class, named as the recogniser's labels",
            fix="pass the folder that holds the class folders",
        )
    return Strangers(
        name=folder.name or folder.resolve().name,
        paths=tuple(paths),
        y_true=np.array(y_true, np.intp),
        unknown=unknown,
    )


def strangers_of(
    name: str, paths: Sequence[Path], classes: Sequence[str], labels: Sequence[str]
) -> Strangers:
    """Returns pictures whose classes are known already, e.g. from a manifest.

    Raises `DataError` where none of them is of a class that the recogniser has.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    known = [(path, numbers[x]) for path, x in zip(paths, classes, strict=True) if x in numbers]
    if not known:
        raise DataError(
            found=f"{name} has no picture of {', '.join(labels[:3])}, …",
            expected="strangers who show at least one class of the recogniser",
            fix="hold out another source",
        )
    return Strangers(
        name=name,
        paths=tuple(path for path, _ in known),
        y_true=np.array([number for _, number in known], np.intp),
        unknown=dict(Counter(x for x in classes if x not in numbers)),
    )


def without(strangers: Strangers, unreadable: Collection[Path]) -> Strangers:
    """Returns the strangers less the pictures that cannot be read, which are kept apart.

    Raises `DataError` where none is left.
    """
    gone = set(unreadable)
    kept = [i for i, path in enumerate(strangers.paths) if path not in gone]
    if not kept:
        raise DataError(
            found=f"none of the {len(strangers.paths):,} pictures of {strangers.name} can be read, "
            f"first {strangers.paths[0]}",
            expected="whole pictures",
            fix="check the files, e.g. open one in a viewer",
        )
    return replace(
        strangers,
        paths=tuple(strangers.paths[i] for i in kept),
        y_true=strangers.y_true[kept],
        unreadable=tuple(path for path in strangers.paths if path in gone),
    )


def by_name(strangers: Sequence[Strangers]) -> dict[str, Strangers]:
    """Returns each under its name; of those called alike the second becomes `NAME_2`."""
    named: dict[str, Strangers] = {}
    for one in strangers:
        name, number = one.name, 2
        while name in named:
            name, number = f"{one.name}_{number}", number + 1
        named[name] = one
    return named


def answers_of(
    strangers: Strangers, probabilities: Probabilities, size_px: tuple[int, int]
) -> NDArray[np.float32]:
    """Returns the recogniser's answers (N, C) to the strangers' pictures."""
    return predict_files(probabilities, strangers.paths, size_px)


def _class_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(
            found=f"{folder}, which is no folder",
            expected="a folder of class folders",
            fix="check the path",
        )
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")


def _pictures(folder: Path) -> list[Path]:
    named = (path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    return sorted(path for path in named if path.name[0] != ".")
