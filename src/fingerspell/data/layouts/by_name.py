"""A flat folder whose files say their class: `A_test.jpg`, `space_test.jpg`, `B12.png`."""

from __future__ import annotations

import re
from pathlib import Path

from fingerspell.data import layout
from fingerspell.data.found import Found
from fingerspell.data.layouts.source import Source
from fingerspell.data.layouts.tree import Folder, left_over

_NAME = re.compile(
    r"([^\W\d_]+(?:[ _-][^\W\d_]+)*?)(?:[ _-]?\d+|[ _-]?\(\d+\)|[ _-]test)"
    r"|(\d)(?:[ _-]\d+|[ _-]?\(\d+\)|[ _-]test)",
    re.IGNORECASE,
)
_CAMERA = frozenset(
    {
        "capture", "dji", "dsc", "dscf", "dscn", "foto", "frame", "gopr", "image", "img", "mvimg",
        "photo", "pic", "picture", "pxl", "sam", "screenshot", "snapshot", "vid", "video",
        "webcam", "win",
    }
)  # fmt: skip
"""What cameras and telephones call every picture."""


def label_in(name: str) -> str | None:
    """Returns what stands before `_test` or before a number, None where nothing does.

    Only letters, and single digits, make a label: the days in `IMG_20240131_1.jpg` are no classes,
    and neither is the `IMG` of `IMG_1.jpg`.
    """
    match = _NAME.fullmatch(name.rpartition(".")[0] or name)
    label = match and (match[1] or match[2])
    return None if label is None or label.casefold() in _CAMERA else label


def labels_in(folder: Folder) -> list[str]:
    """Returns a label for each picture of a folder; empty unless all say one, two at least."""
    labels = [label for file in folder.pictures if (label := label_in(file.name))]
    whole = len(labels) == len(folder.pictures) and len(set(labels)) >= 2
    return labels if whole else []


def read_by_name(tree: Folder, name: str) -> Source | None:
    """Reads the labels out of the files' names; None where they don't all say one."""
    folder = _flat(tree)
    labels = labels_in(folder)
    if not labels:
        return None
    source = Source(name, "names", ignored=left_over(tree, {folder.path}))
    source.found = [
        Found(Path(file.path), source.label(label), name, file.size_bytes, file.mtime_ns)
        for file, label in zip(folder.pictures, labels, strict=True)
    ]
    return source


def _flat(folder: Folder) -> Folder:
    """Goes down to a test folder where nothing lies beside it, as archives unpack it."""
    while not folder.pictures and len(folder.folders) == 1:
        if layout.split_of(folder.folders[0].name) != "test":
            break
        folder = folder.folders[0]
    return folder
