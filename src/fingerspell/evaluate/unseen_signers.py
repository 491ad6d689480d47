"""Signer-independent evaluation: pictures of people whom no training picture shows."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fingerspell import files, images
from fingerspell.errors import DataError
from fingerspell.labels import label_of

Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""float32 (N, h, w, 3) in [0, 1] → float32 (N, C)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenSigners:
    """Pictures of other people.

    `unknown` counts those of classes the recogniser lacks, `.` being those in no class folder;
    `unreadable` are those left out because they are no whole pictures, `others` the files that
    are not taken for pictures at all.
    """

    name: str
    paths: tuple[Path, ...]
    y_true: NDArray[np.intp]
    unknown: dict[str, int]
    unreadable: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()


def find_unseen_signers(folder: Path, labels: Sequence[str]) -> UnseenSigners:
    """Lists `folder/<CLASS>/**`, classes matched by name (`a` is A, `Delete` is del).

    Raises `DataError` where no folder is named like a label.
    """
    numbers = {label_of(label).casefold(): number for number, label in enumerate(labels)}
    paths: list[Path] = []
    y_true: list[int] = []
    unknown: dict[str, int] = {}
    if not folder.is_dir():
        raise DataError(
            found=f"{folder}, which is no folder",
            expected="a folder of class folders",
            fix="check the path",
        )
    loose, others = files.sorted_out(folder, folder.iterdir())
    if loose:
        unknown["."] = len(loose)
    for class_dir in files.folders(folder):
        pictures, more = files.pictures_below(class_dir)
        others += more
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
    return UnseenSigners(
        name=folder.name or folder.resolve().name,
        paths=tuple(paths),
        y_true=np.array(y_true, np.intp),
        unknown=unknown,
        others=tuple(others),
    )


def unseen_signers_of(
    name: str, paths: Sequence[Path], classes: Sequence[str], labels: Sequence[str]
) -> UnseenSigners:
    """Returns pictures whose classes are known already, e.g. from a manifest.

    Raises `DataError` where none of them is of a class that the recogniser has.
    """
    numbers = {label: number for number, label in enumerate(labels)}
    known = [(path, numbers[x]) for path, x in zip(paths, classes, strict=True) if x in numbers]
    if not known:
        raise DataError(
            found=f"{name} has no picture of {', '.join(labels[:3])}, …",
            expected="unseen signers who show at least one class of the recogniser",
            fix="hold out another source",
        )
    return UnseenSigners(
        name=name,
        paths=tuple(path for path, _ in known),
        y_true=np.array([number for _, number in known], np.intp),
        unknown=dict(Counter(x for x in classes if x not in numbers)),
    )


def by_name(unseen_signers: Sequence[UnseenSigners]) -> dict[str, UnseenSigners]:
    """Returns each under its name; of those called alike the second becomes `NAME_2`."""
    named: dict[str, UnseenSigners] = {}
    for one in unseen_signers:
        name, number = one.name, 2
        while name in named:
            name, number = f"{one.name}_{number}", number + 1
        named[name] = one
    return named


def without(unseen_signers: UnseenSigners, unreadable: Collection[Path]) -> UnseenSigners:
    """Returns the unseen signers less the pictures that cannot be read, which are kept apart.

    Raises `DataError` where none is left.
    """
    gone = set(unreadable)
    kept = [i for i, path in enumerate(unseen_signers.paths) if path not in gone]
    if not kept:
        raise DataError(
            found=f"none of the {len(unseen_signers.paths):,} pictures of {unseen_signers.name} "
            f"can be read, first {unseen_signers.paths[0]}",
            expected="whole pictures",
            fix="check the files, e.g. open one in a viewer",
        )
    return replace(
        unseen_signers,
        paths=tuple(unseen_signers.paths[i] for i in kept),
        y_true=unseen_signers.y_true[kept],
        unreadable=tuple(path for path in unseen_signers.paths if path in gone),
    )


def predict_files(
    probabilities: Probabilities,
    paths: Sequence[Path],
    size_px: tuple[int, int],
    batch_size: int = 32,
) -> NDArray[np.float32]:
    """Returns the answers (N, C) in the order of `paths`; (0, 0) without paths.

    Pictures are loaded batch by batch: memory does not grow with their number. Raises
    `PictureError` naming the first file that cannot be read.
    """
    rows = [
        probabilities(
            np.stack([images.load(path, size_px) for path in paths[at : at + batch_size]])
        )
        for at in range(0, len(paths), batch_size)
    ]
    return np.concatenate(rows).astype(np.float32) if rows else np.zeros((0, 0), np.float32)
