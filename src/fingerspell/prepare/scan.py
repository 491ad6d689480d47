"""Scan of the input folders: their layouts, classes, sources and pictures; nothing is decoded."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fingerspell.dataset.manifest import SPLITS, is_split_name
from fingerspell.errors import DataError
from fingerspell.prepare.layouts.boxes import read_boxes
from fingerspell.prepare.layouts.classes import (
    EXPECTED,
    class_sets,
    is_called_like_a_person,
    read_by_name,
    read_classes,
)
from fingerspell.prepare.layouts.tables import is_table, read_rows, read_table
from fingerspell.prepare.layouts.tree import File, Folder, every, has_control, is_unicode, read_tree
from fingerspell.prepare.records import Bad, Record, Renamed, Source, distinct, same_name

_SPLITS = ("", *SPLITS)


@dataclass(frozen=True, slots=True)
class Scan:
    """All pictures in source, class, split and natural file order; what was skipped.

    `sources` holds each source's folder; `layouts` says in a few words how it is laid out;
    `companions` counts by ending what phones and photo managers left beside the pictures.
    """

    records: tuple[Record, ...]
    ignored: tuple[Path, ...]
    unusable: tuple[Bad, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    layouts: tuple[tuple[str, str], ...] = ()
    sources: tuple[tuple[str, Path], ...] = ()
    companions: tuple[tuple[str, int], ...] = ()


def scan(input_dirs: Sequence[Path], holdout_sources: Collection[str] = ()) -> Scan:
    """Lists the pictures of one or several folders; no picture is opened.

    Each folder is a source, named after itself, and is read as whatever it is: class folders
    (nested or split into train, val and test), a YOLO export, Sign-MNIST tables, or files that
    say their class. Raises `DataError` for everything that is none of these, and for a name in
    `holdout_sources` that is no source.
    """
    names = _source_names(input_dirs)
    _check_holdout(holdout_sources, names)
    sources = [_source(path, name) for path, name in zip(input_dirs, names, strict=True)]
    records = [record for source in sources for record in source.records]
    if len({record.split for record in records}) < 2:  # Only `train`: nothing is split yet.
        records = [replace(record, split="") if record.split else record for record in records]
    unusable = tuple(bad for source in sources for bad in source.unusable)
    if unusable and not records:
        raise DataError(
            found=f"no usable picture among {len(unusable):,}, first {unusable[0].path}: "
            f"{unusable[0].reason}",
            expected="pictures, or tables and boxes in one of the formats of docs/data.md",
            fix="mend them, or check --input_dir",
        )
    _check_classes(records, input_dirs)
    return Scan(
        tuple(records),
        tuple(path for source in sources for path in source.ignored),
        unusable,
        tuple(renamed for source in sources for renamed in source.renamed()),
        tuple((source.name, source.layout) for source in sources),
        tuple(zip(names, input_dirs, strict=True)),
        tuple(sum((source.companions for source in sources), Counter()).most_common()),
    )


def _source_names(input_dirs: Sequence[Path]) -> list[str]:
    """Returns one name a folder: its own, with a number where two are called alike.

    Dots in front go: a folder of that name in the data set would be hidden and never read.
    """
    names: list[str] = []
    for folder in input_dirs:
        resolved = folder.resolve()
        base = resolved.stem if resolved.is_file() else resolved.name
        base = base.lstrip(".") or "pictures"
        name, number = base, 2
        while same_name(name) in map(same_name, names):
            name, number = f"{base}_{number}", number + 1
        names.append(name)
    return names


def _check_holdout(wanted: Collection[str], sources: Collection[str]) -> None:
    """Raises `DataError` for a name that is no source, or where no source is left to train on."""
    if unknown := [name for name in wanted if name not in sources]:
        raise DataError(
            found=f"no source called {', '.join(unknown)}",
            expected=f"one of {', '.join(sources)}: sources are named after their folders",
            fix="check --holdout_source",
        )
    if wanted and set(sources) <= set(wanted):
        raise DataError(
            found=f"every source is held out: {', '.join(sources)}",
            expected="at least one source to train on",
            fix="add a folder to --input_dir, or hold out fewer",
        )


def _source(path: Path, name: str) -> Source:
    """Reads one input; its pictures come in class order, with names that differ."""
    if has_control(name):
        raise DataError(
            found=f"the name {name!r}, which has control characters",
            expected="a name of one line, that a table can hold",
            fix="rename it",
        )
    try:
        source = _file(path, name) if path.is_file() else _folder(path, name)
    except OSError as error:
        raise DataError(
            found=f"cannot read {error.filename or path}: {error.strerror or error}",
            expected="folders that may be read",
            fix="check the permissions",
        ) from error
    source.records.sort(key=lambda item: (item.label, _SPLITS.index(item.split)))
    source.records = distinct(source.records, path)
    return source


def _file(path: Path, name: str) -> Source:
    """Reads a table that was handed over itself."""
    status = path.stat()
    table = File(str(path), path.name, status.st_size, status.st_mtime_ns)
    if not is_table(table):
        raise DataError(
            found=f"{path} is a file",
            expected="a folder of pictures, or a Sign-MNIST table (.csv)",
            fix="unpack it first",
        )
    source = Source(name, "Sign-MNIST table")
    read_rows(table, source)
    return source


def _folder(path: Path, name: str) -> Source:
    if not path.exists():
        raise DataError(found=f"no folder {path}", expected=EXPECTED, fix="check --input_dir")
    if not is_unicode(str(path)):
        raise DataError(
            found=f"the folder name {str(path)!r}, which is not valid Unicode",
            expected="a name that reports can show",
            fix="rename the folder",
        )
    tree, unusable, idle, companions = read_tree(path)
    source = read_boxes(tree, name) or _classes_or_table(tree, name) or read_by_name(tree, name)
    if source is None:
        raise _nothing(tree)
    source.unusable = unusable + source.unusable
    source.ignored += idle
    source.companions = companions
    return source


def _classes_or_table(tree: Folder, name: str) -> Source | None:
    table = read_table(tree, name)
    if table is None:
        return read_classes(tree, name)
    if class_sets(tree):
        raise DataError(
            found=f"class folders and a Sign-MNIST table in {tree.path}",
            expected="one of them a source",
            fix="hand the folder of the classes and the .csv file over one by one: "
            "--input_dir CLASSES TABLE.csv",
        )
    return table


def _nothing(tree: Folder) -> DataError:
    if kind := _foreign_format(tree):
        return DataError(
            found=f"annotations in the format {kind} in {tree.path}",
            expected="boxes as YOLO writes them: data.yaml, images/ and labels/",
            fix="export as YOLO (in Roboflow: Export, YOLOv8)",
        )
    holders = [folder for folder in every(tree) if folder.pictures]
    count = sum(len(folder.pictures) for folder in holders)
    there = f"{count:,} files but no class folders in {tree.path}" if count else ""
    if len(holders) == 1 and holders[0] is not tree:
        there = f"only one folder with pictures, {holders[0].path}"
    if flat := [f.name for f in holders if is_split_name(f.name)]:
        there = f"pictures without class folders in {', '.join(flat)} of {tree.path}"
    return DataError(
        found=there or f"no pictures in {tree.path}",
        expected=EXPECTED,
        fix="sort the pictures into one folder a class",
    )


def _check_classes(records: Sequence[Record], input_dirs: Sequence[Path]) -> None:
    labels = sorted({item.label for item in records})
    if len(labels) < 2:
        raise DataError(
            found=f"only the class {', '.join(labels)} in {', '.join(map(str, input_dirs))}",
            expected="at least two classes",
            fix="hand over the folder that holds the class folders, not one class",
        )
    if all(map(is_called_like_a_person, labels)):
        raise DataError(
            found=f"classes that are called like persons or recordings: {', '.join(labels[:6])}",
            expected="classes that are called like what is shown",
            fix="hand over the folder around the class folders, or rename these",
        )
    by_name: dict[str, str] = {}
    for label in labels:
        if (other := by_name.setdefault(same_name(label), label)) != label:
            raise DataError(
                found=f"the classes {other} and {label}, which differ in capitals only",
                expected="names that Windows and macOS can tell apart",
                fix="call both folders alike, or rename one",
            )


def _foreign_format(tree: Folder) -> str:
    """Returns the name of an annotation format other than YOLO, or ""."""
    folders = list(every(tree))
    notes = [note.name.lower() for folder in folders for note in folder.notes]
    if any(n.endswith("coco.json") or n.startswith("instances_") for n in notes):
        return "COCO"
    if any(n == "_annotations.csv" for n in notes):
        return "TensorFlow object detection CSV"
    if any(n == "_classes.csv" for n in notes):
        return "multi-label CSV"
    if any(n.endswith(".xml") for n in notes):
        return "Pascal VOC"
    if any(f.name.casefold() == "labels" and f.notes for f in folders):
        return "YOLO without a data.yaml or classes.txt that names the classes"
    return ""
