"""Class folders: one set, nested, or already split into train, val and test; labels in names."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fingerspell.dataset.manifest import is_split_name, split_of
from fingerspell.errors import DataError
from fingerspell.labels import ALPHABET, label_of
from fingerspell.prepare.layouts.tree import Folder, every, left_over
from fingerspell.prepare.records import Bad, Record, Source

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


def _label_in(name: str) -> str | None:
    """Returns what stands before `_test` or before a number, None where nothing does.

    Only letters, and single digits, make a label: the days in `IMG_20240131_1.jpg` are no classes,
    and neither is the `IMG` of `IMG_1.jpg`.
    """
    match = _NAME.fullmatch(name.rpartition(".")[0] or name)
    label = match and (match[1] or match[2])
    return None if label is None or label.casefold() in _CAMERA else label


def _labels_in(folder: Folder) -> list[str]:
    """Returns a label for each picture of a folder; empty unless all say one, two at least."""
    labels = [label for file in folder.pictures if (label := _label_in(file.name))]
    whole = len(labels) == len(folder.pictures) and len(set(labels)) >= 2
    return labels if whole else []


def read_by_name(tree: Folder, name: str) -> Source | None:
    """Reads the labels out of the files' names; None where they don't all say one."""
    folder = _flat(tree)
    labels = _labels_in(folder)
    if not labels:
        return None
    source = Source(name, "names", ignored=left_over(tree, {folder.path}))
    source.records = [
        Record(Path(file.path), source.label(label), name, file.size_bytes, file.mtime_ns)
        for file, label in zip(folder.pictures, labels, strict=True)
    ]
    return source


def _flat(folder: Folder) -> Folder:
    """Goes down to a test folder where nothing lies beside it, as archives unpack it."""
    while not folder.pictures and len(folder.folders) == 1:
        if split_of(folder.folders[0].name) != "test":
            break
        folder = folder.folders[0]
    return folder


EXPECTED = "one sub-folder a class, with its pictures inside: FOLDER/A/*.jpg, FOLDER/B/*.jpg"

_NO_CLASS = frozenset({"images", "jpegimages"})


@dataclass(frozen=True, slots=True)
class _ClassSet:
    """Class folders that belong together: `parts` are (split or "", folder of the classes)."""

    folder: Folder
    parts: tuple[tuple[str, Folder], ...]


def read_classes(tree: Folder, name: str) -> Source | None:
    """Reads class folders; None where there are none. Raises `DataError` for several sets."""
    sets = class_sets(tree)
    if not sets and _class_folders(tree):
        sets = [_ClassSet(tree, (("", tree),))]
    if not sets:
        return None
    if len(sets) > 1:
        raise _several(tree, sets)
    return _read(sets[0], tree, name)


def class_sets(folder: Folder) -> list[_ClassSet]:
    """Returns the topmost folders with at least two classes, or with ready-made splits."""
    splits, own = _splits(folder), len(_class_folders(folder)) >= 2
    if len({split for split, _ in splits}) >= 2:
        if own:
            raise DataError(
                found=f"class folders and ready-made splits side by side in {folder.path}",
                expected=EXPECTED,
                fix="hand over the one or the other",
            )
        return [_ClassSet(folder, tuple(splits))]
    if own:
        return [_ClassSet(folder, (("", folder),))]
    return [one for child in folder.folders for one in class_sets(child)]


def _class_folders(folder: Folder) -> list[Folder]:
    """Returns the sub-folders that hold pictures, less flat splits and an annotator's `images`.

    Of a class folder in one of the same name, as some archives unpack, it is the inner one.
    """
    holders = [inner for child in folder.folders if (inner := _innermost(child)).pictures]
    return [f for f in holders if f.name.casefold() not in _NO_CLASS and not _is_flat_split(f)]


def _innermost(folder: Folder) -> Folder:
    """Goes down from `C` to `C/C` where nothing else lies in it."""
    while not folder.pictures and len(folder.folders) == 1:
        (inner,) = folder.folders
        if label_of(inner.name) != label_of(folder.name):
            break
        folder = inner
    return folder


def _splits(folder: Folder) -> list[tuple[str, Folder]]:
    """Returns (split, folder of its classes) for the sub-folders named after a split."""
    splits = []
    for child in folder.folders:
        if split := split_of(child.name):
            sets = class_sets(child)
            roots = [part for one in sets for _, part in one.parts]
            if not sets and _class_folders(child):
                roots = [child]  # A split may hold one class only.
            if len(roots) == 1:
                splits.append((split, roots[0]))
    return splits


def _is_flat_split(folder: Folder) -> bool:
    """A folder like `asl_alphabet_test` whose pictures say their class: it is none itself."""
    if is_split_name(folder.name):
        return True
    marked = all(split_of(Path(file.name).stem) == "test" for file in folder.pictures)
    return bool(split_of(folder.name)) and (marked or bool(_labels_in(folder)))


def _read(classes: _ClassSet, tree: Folder, name: str) -> Source:
    split = any(split for split, _ in classes.parts)
    source = Source(name, "ready-made splits" if split else "class folders")
    used = set()
    for part, root in classes.parts:
        _check_nested(root)
        for folder in _class_folders(root):
            used.add(folder.path)
            if not folder.name.strip():
                source.unusable.append(Bad(Path(folder.path), "a class folder without a name"))
                continue
            label = source.label(folder.name)
            source.records += [
                Record(Path(file.path), label, name, file.size_bytes, file.mtime_ns, part)
                for file in folder.pictures
            ]
    source.ignored = left_over(tree, used)
    if loose := _flat_tests(tree):
        source.layout += (
            f"; {loose:,} test pictures without class folders passed over "
            "(the usual ones are copies of training pictures)"
        )
    return source


def _check_nested(root: Folder) -> None:
    """Raises `DataError` for a class whose pictures lie deeper: it would be left out unnoticed."""
    for child in filter(_is_usual, root.folders):
        deeper = [folder for folder in every(child) if folder.pictures]
        if deeper and child not in deeper and _innermost(child) not in deeper:
            raise DataError(
                found=f"no pictures right in the class folder {child.path}, but some in "
                f"{deeper[0].path}",
                expected=EXPECTED,
                fix=f"move the pictures up into {child.path}",
            )


def _flat_tests(tree: Folder) -> int:
    tests = (folder for folder in every(tree) if split_of(folder.name) == "test")
    return sum(len(folder.pictures) for folder in tests if _is_flat_split(folder))


def _several(tree: Folder, sets: Sequence[_ClassSet]) -> DataError:
    paths = [one.folder.path for one in sets]
    names = ", ".join(Path(os.path.relpath(path, tree.path)).as_posix() for path in paths[:6])
    more = f" and {len(paths) - 6} more" if len(paths) > 6 else ""
    return DataError(
        found=f"{len(paths)} folders with classes of their own in {tree.path}: {names}{more}",
        expected=EXPECTED,
        fix=_how_to_part(sets, " ".join(paths[:3]) + (" …" if len(paths) > 3 else "")),
    )


def _how_to_part(sets: Sequence[_ClassSet], listed: str) -> str:
    """Says which of two levels of folders are the classes, as far as their names tell.

    Where neither holds usual classes, only the user knows: `hello/anna` may be a sign and the
    person who shows it, or a recording and its sign.
    """
    move = "move the pictures of each class up, right into its folder"
    sources = f"name each as a source: --input_dir {listed}"
    inner = [f for one in sets for _, root in one.parts for f in _class_folders(root)]
    if any(map(_is_usual, inner)):
        return sources
    if all(_is_usual(one.folder) for one in sets):
        return move
    first, below = Path(sets[0].folder.path).name, inner[0].name
    return (
        f"if {first} is a class and {below} a person who shows it: {move}; if {first} is a person "
        f"or recording and {below} a class: {sources}"
    )


def _is_usual(folder: Folder) -> bool:
    return label_of(folder.name) in ALPHABET
