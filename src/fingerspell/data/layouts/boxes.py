"""A YOLO export, as Roboflow and others write it: pictures, and a text file of boxes for each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from fingerspell.data import layout
from fingerspell.data.found import Bad, Box, Found
from fingerspell.data.layouts.naming import is_folder_name
from fingerspell.data.layouts.source import Source
from fingerspell.data.layouts.tree import File, Folder, every, left_over
from fingerspell.data.layouts.yaml_names import class_names, has_names
from fingerspell.errors import DataError

_SLACK = 0.01
"""How far over the edge a box may reach: exports round, and hands leave the picture."""


@dataclass(frozen=True, slots=True)
class _Export:
    folder: Folder
    yaml: File
    text: str


def read_boxes(tree: Folder, name: str) -> Source | None:
    """Reads every box of a YOLO export; None where there is no `data.yaml` with pictures.

    A picture without boxes is passed over; a line that cannot be read is listed. Raises
    `DataError` for class names that cannot be understood.
    """
    exports = _exports(tree)
    if not exports:
        return None
    if len(exports) > 1:
        raise DataError(
            found=f"{len(exports)} YOLO exports in {tree.path}",
            expected="one export a source",
            fix=f"name each: --input_dir {' '.join(export.folder.path for export in exports[:3])}",
        )
    return _read(exports[0], tree, name)


def _exports(folder: Folder) -> list[_Export]:
    """The topmost folders with class names, `images` and `labels`."""
    below = {f.name.casefold() for f in every(folder)}
    if not {"images", "labels"} <= below:
        return []
    notes = [f for f in folder.notes if f.name.lower().endswith((".yaml", ".yml"))]
    for note in sorted(notes, key=lambda f: not f.name.lower().startswith("data.")):
        text = Path(note.path).read_text(encoding="utf-8-sig", errors="replace")
        if has_names(text):
            return [_Export(folder, note, text)]
    return [found for child in folder.folders for found in _exports(child)]


def _read(export: _Export, tree: Folder, name: str) -> Source:
    classes, source = _classes(export), Source(name, "YOLO boxes")
    folders = {_inner(folder, export.folder): folder for folder in every(export.folder)}
    notes = {
        _key(inner, note): note
        for inner, folder in folders.items()
        if _place(inner, "labels") is not None
        for note in folder.notes
    }
    taken = set()
    for inner, folder in folders.items():
        if (place := _place(inner, "images")) is None:
            continue
        split = next((found for part in inner if (found := layout.split_of(part))), "")
        for picture in folder.pictures:
            # The last `images` of the path counts, as in YOLO's own loader.
            key = _key((*inner[:place], "labels", *inner[place + 1 :]), picture)
            taken.add(key)
            if key not in notes or not _add(source, picture, split, notes[key], classes):
                source.ignored.append(Path(picture.path))
    source.ignored += [Path(note.path) for key, note in notes.items() if key not in taken]
    known = (f.path for i, f in folders.items() if {"images", "labels"} & set(_folded(i)))
    source.ignored += left_over(tree, set(known))
    return source


def _add(source: Source, picture: File, split: str, note: File, classes: Mapping[int, str]) -> int:
    """Adds the boxes of one picture; returns how many lines there were, good and bad."""
    lines, number = _lines(source, note), 0
    for place, line in lines:
        try:
            index, box = parse_box(line)
            if index not in classes:
                raise ValueError(f"class {index}, but data.yaml names {len(classes)} classes")
        except ValueError as error:
            source.unusable.append(Bad(Path(note.path), f"line {place}: {error}"))
            continue
        number += 1
        path = Path(picture.path)
        source.found.append(
            Found(
                path, source.label(classes[index]), source.name, picture.size_bytes,
                picture.mtime_ns, split, box, f"{path.stem}_box{number}.jpg",
            )
        )  # fmt: skip
    return len(lines)


def parse_box(line: str) -> tuple[int, Box]:
    """Returns the class index and box of `class cx cy w h`, or of a polygon `class x y x y x y …`.

    All numbers are shares of the picture. Raises `ValueError` with the reason.
    """
    first, *rest = line.split()
    try:
        index, values = int(first), [float(text) for text in rest]
    except ValueError:
        raise ValueError(f"`{line.strip()[:40]}` is not all numbers") from None
    if len(values) == 4:
        x, y, width, height = values
        xs, ys = (x - width / 2, x + width / 2), (y - height / 2, y + height / 2)
    elif len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = (min(values[::2]), max(values[::2])), (min(values[1::2]), max(values[1::2]))
    else:
        raise ValueError(f"{len(values) + 1} numbers; a box has 5, a polygon 7, 9, 11 …")
    if not all(math.isfinite(v) and -_SLACK <= v <= 1 + _SLACK for v in (*xs, *ys)):
        raise ValueError("a box outside the picture; numbers are shares from 0 to 1, not pixels")
    left, right, top, bottom = (min(max(v, 0.0), 1.0) for v in (*xs, *ys))
    if left >= right or top >= bottom:
        raise ValueError("a box without area")
    return index, Box(left, top, right, bottom)


def _classes(export: _Export) -> dict[int, str]:
    try:
        names = class_names(export.text)
        if re.search(r"^kpt_shape", export.text, re.MULTILINE):
            raise ValueError("`kpt_shape`: these labels are key points")
        if bad := [name for name in names.values() if not is_folder_name(name.strip())]:
            raise ValueError(f"the class `{bad[0]}` cannot be a folder")
    except ValueError as error:
        raise DataError(
            found=f"{export.yaml.path}: {error}",
            expected="names: [A, B, C], or a line `- A` or `0: A` for each class",
            fix="mend the list, or export boxes as YOLO again",
        ) from error
    return names


def _lines(source: Source, note: File) -> list[tuple[int, str]]:
    """The lines with something on them, numbered from 1."""
    try:
        text = Path(note.path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        source.unusable.append(Bad(Path(note.path), f"boxes that cannot be read ({error})"))
        return []
    return [(n, line) for n, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _inner(folder: Folder, root: Folder) -> tuple[str, ...]:
    return PurePath(folder.path).relative_to(root.path).parts


def _place(inner: tuple[str, ...], name: str) -> int | None:
    """Where the last folder called `name` stands in a path, None where it doesn't."""
    return max((i for i, part in enumerate(_folded(inner)) if part == name), default=None)


def _folded(inner: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in inner)


def _key(inner: tuple[str, ...], file: File) -> tuple[str, ...]:
    """What a picture and its boxes have in common: the folders, and the name without its end."""
    return _folded((*inner, PurePath(file.name).stem))
