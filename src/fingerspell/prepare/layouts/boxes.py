"""YOLO exports: class names from `data.yaml`, `classes.txt` or `obj.names`, boxes a picture.

Roboflow and Label Studio write `images` and `labels`, labelImg and CVAT the boxes beside the
pictures.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

import yaml

from fingerspell.dataset.manifest import split_of
from fingerspell.errors import DataError
from fingerspell.prepare.layouts.tree import File, Folder, every, left_over
from fingerspell.prepare.records import Bad, Box, Record, Source, is_folder_name

_KEY = re.compile(r"^names[ \t]*:", re.MULTILINE)


def _has_names(text: str) -> bool:
    """Returns whether a YAML text lists class names at its top level; nothing is parsed."""
    return _KEY.search(text) is not None


def _class_names(text: str) -> dict[int, str]:
    """Returns index → name of `names: [A, B]`, `names:` with dashes, or `names:` with `0: A`.

    Every name is text, also `N` and `No`: the nodes are read as they are written and never made
    into values. Raises `ValueError` with what cannot be understood.
    """
    try:
        document = yaml.compose(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"this is no YAML ({_told(error)})") from error
    pairs = document.value if isinstance(document, yaml.MappingNode) else []
    lists = [value for key, value in pairs if key.value == "names"]
    if len(lists) != 1:
        raise ValueError("`names:` stands twice" if lists else "there is no `names:`")
    return _names(lists[0])


def _names(node: yaml.Node) -> dict[int, str]:
    items: list[tuple[int, yaml.Node]]
    if isinstance(node, yaml.SequenceNode):
        items = list(enumerate(node.value))
    elif isinstance(node, yaml.MappingNode):
        items = [(_index(key), value) for key, value in node.value]
    elif node.value:
        raise ValueError(f"`names: {node.value}` is no list")
    else:
        items = []
    names: dict[int, str] = {}
    for index, value in items:
        if index in names:
            raise ValueError(f"number {index} is named twice")
        names[index] = _text(value)
    if not names:
        raise ValueError("`names:` is empty")
    return names


def _index(key: yaml.Node) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", _text(key)):
        raise ValueError(f"`{key.value}` is no number of a class, line {_line(key)}")
    return int(key.value)


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value:
        raise ValueError(f"line {_line(node)} is no name")
    return str(node.value)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _told(error: Exception) -> str:
    """One line about what the parser met, and where."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error).splitlines()[0]


_YAML = (".yaml", ".yml")
_BOX = re.compile(r"\s*\d+(?:[ \t]+-?[\d.]+(?:[eE]-?\d+)?){4,}[ \t]*(?:\n|\r|\Z)")
"""The first line of a file of boxes."""

_SLACK = 0.01
"""How far over the edge a box may reach: exports round, and hands leave the picture."""


@dataclass(frozen=True, slots=True)
class _Export:
    folder: Folder
    names: File
    text: str

    @property
    def is_yaml(self) -> bool:
        """Returns whether the names stand in YAML, and not one a line."""
        return self.names.name.lower().endswith(_YAML)


def read_boxes(tree: Folder, name: str) -> Source | None:
    """Reads every box of a YOLO export; None where there are no class names with pictures.

    A picture without boxes is skipped; a line that cannot be read is listed. Raises
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
    """The topmost folders with class names, and pictures with boxes."""
    apart = {"images", "labels"} <= {f.name.casefold() for f in every(folder)}
    if not apart and not any(_boxes_beside(f) for f in every(folder)):
        return []
    notes = [f for f in folder.notes if f.name.lower().endswith(_YAML)]
    for note in sorted(notes, key=lambda f: not f.name.lower().startswith("data.")):
        text = _text_of(note)
        if apart and _has_names(text):
            return [_Export(folder, note, text)]
    labels = [
        f for child in folder.folders if child.name.casefold() == "labels" for f in child.notes
    ]
    for note in (*folder.notes, *labels):
        if note.name.lower() == "classes.txt" or note.name.lower().endswith(".names"):
            return [_Export(folder, note, _text_of(note))]
    return [export for child in folder.folders for export in _exports(child)]


def _boxes_beside(folder: Folder) -> bool:
    """Returns whether a folder holds a picture and, called alike, its boxes."""
    if not folder.notes:
        return False
    stems = {PurePath(file.name).stem for file in folder.pictures}
    note = next((f for f in folder.notes if _is_of(f, stems)), None)
    return note is not None and bool(_BOX.match(_text_of(note)))


def _is_of(note: File, stems: set[str]) -> bool:
    return note.name.lower().endswith(".txt") and PurePath(note.name).stem in stems


def _text_of(note: File) -> str:
    return Path(note.path).read_text(encoding="utf-8-sig", errors="replace")


def _read(export: _Export, tree: Folder, name: str) -> Source:
    classes, source = _classes(export), Source(name, "YOLO boxes")
    folders = {_inner(folder, export.folder): folder for folder in every(export.folder)}
    notes = {
        _key(inner, note): note
        for inner, folder in folders.items()
        if _place(inner, "labels") is not None or _boxes_beside(folder)
        for note in folder.notes
        if note.path != export.names.path
    }
    taken = set()
    for inner, folder in folders.items():
        place = _place(inner, "images")
        beside = _boxes_beside(folder)
        if place is None and not beside:
            continue
        split = next((name for part in inner if (name := split_of(part))), "")
        for picture in folder.pictures:
            # The last `images` of the path counts, as in YOLO's own loader.
            apart = inner if beside else (*inner[:place], "labels", *inner[(place or 0) + 1 :])
            key = _key(apart, picture)
            taken.add(key)
            if key not in notes or not _add(source, picture, split, notes[key], classes, export):
                source.ignored.append(Path(picture.path))
    source.ignored += [Path(note.path) for key, note in notes.items() if key not in taken]
    known = (
        folder.path
        for inner, folder in folders.items()
        if {"images", "labels"} & set(_folded(inner)) or _boxes_beside(folder)
    )
    source.ignored += left_over(tree, set(known))
    return source


def _add(
    source: Source, picture: File, split: str, note: File, classes: Mapping[int, str],
    export: _Export,
) -> int:  # fmt: skip
    """Adds the boxes of one picture; returns how many lines there were, good and bad."""
    lines, number = _lines(source, note), 0
    for place, line in lines:
        try:
            index, box = _parse_box(line)
            if index not in classes:
                raise ValueError(
                    f"class {index}, but {export.names.name} names {len(classes)} classes"
                )
        except ValueError as error:
            source.unusable.append(Bad(Path(note.path), f"line {place}: {error}"))
            continue
        number += 1
        path = Path(picture.path)
        source.records.append(
            Record(
                path, source.label(classes[index]), source.name, picture.size_bytes,
                picture.mtime_ns, split, box, f"{path.stem}_box{number}.jpg",
            )
        )  # fmt: skip
    return len(lines)


def _parse_box(line: str) -> tuple[int, Box]:
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
        names = _class_names(export.text) if export.is_yaml else _listed(export.text)
        if export.is_yaml and re.search(r"^kpt_shape", export.text, re.MULTILINE):
            raise ValueError("`kpt_shape`: these labels are key points")
        if bad := [name for name in names.values() if not is_folder_name(name.strip())]:
            raise ValueError(f"the class `{bad[0]}` cannot be a folder")
    except ValueError as error:
        raise DataError(
            found=f"{export.names.path}: {error}",
            expected="names: [A, B, C], or a line `- A` or `0: A` for each class"
            if export.is_yaml
            else "the name of a class on every line, in the order of their numbers",
            fix="mend the list, or export boxes as YOLO again",
        ) from error
    return names


def _listed(text: str) -> dict[int, str]:
    """Returns index → name of a text with one name a line."""
    names = [line.strip() for line in text.rstrip().splitlines()]
    if not all(names):
        raise ValueError(f"line {names.index('') + 1} is empty")
    if not names:
        raise ValueError("there is no name")
    return dict(enumerate(names))


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
