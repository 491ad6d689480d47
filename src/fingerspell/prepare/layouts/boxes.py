"""A YOLO export, as Roboflow and others write it: pictures, and a text file of boxes for each."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from fingerspell import files
from fingerspell.errors import DataError
from fingerspell.prepare.layouts.tree import File, Folder, every, left_over
from fingerspell.prepare.records import Bad, Box, Record, Source, is_folder_name

_KEY = re.compile(r"^names[ \t]*:[ \t]*(.*)$", re.MULTILINE)
_QUOTED = r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\""""
_COMMENT = re.compile(rf"({_QUOTED})|(?:(?<=\s)|^)#.*$")
_TEXT = rf"""{_QUOTED}|[^'",\[\]{{}}\s][^,\[\]{{}}]*"""
_ITEM = re.compile(rf"\s*(?:(\d+)\s*:\s+)?({_TEXT})\s*(?:,|$)")
_DASH = re.compile(rf"[ \t]*-[ \t]+({_TEXT})[ \t]*")
_NUMBERED = re.compile(rf"[ \t]+(\d+)[ \t]*:[ \t]+({_TEXT})[ \t]*")
_CLOSING = {"[": "]", "{": "}"}


def has_names(text: str) -> bool:
    """Returns whether a YAML text lists class names at its top level."""
    return _KEY.search(text) is not None


def class_names(text: str) -> dict[int, str]:
    """Returns index → name of `names: [A, B]`, `names:` with dashes, or `names:` with `0: A`.

    Every name is text, also `N` and `No`. Raises `ValueError` with what cannot be understood.
    """
    lines = [_without_comment(line) for line in text.splitlines()]
    keys = ((i + 1, match[1].strip()) for i, x in enumerate(lines) if (match := _KEY.match(x)))
    after, rest = next(keys, (0, ""))
    if not after:
        raise ValueError("there is no `names:`")
    if rest[:1] in _CLOSING:
        names = _inline(" ".join([rest, *lines[after:]]))
    elif not rest:
        names = _block(lines[after:])
    else:
        raise ValueError(f"`names: {rest}` is no list")
    if not names:
        raise ValueError("`names:` is empty")
    return names


def _inline(text: str) -> dict[int, str]:
    """Reads `[A, 'B']` or `{0: A, 1: B}`, over several lines perhaps."""
    end, quoted = _CLOSING[text[0]], re.sub(_QUOTED, _blank, text)
    close = quoted.find(end)
    if close < 0:
        raise ValueError(f"`names:` opens {text[0]} and does not close it")
    body, names, place = text[1:close].strip(), dict[int, str](), 0
    while place < len(body):
        item = _ITEM.match(body, place)
        if item is None or (item[1] is not None) != (end == "}"):
            raise ValueError(f"`{body[place : place + 20]}` is no name")
        _put(names, len(names) if item[1] is None else int(item[1]), item[2])
        place = item.end()
    return names


def _block(lines: list[str]) -> dict[int, str]:
    """Reads `- A` or `0: A`, a line a name, up to the next key."""
    names: dict[int, str] = {}
    for line in lines:
        if not line.strip():
            continue
        if item := _DASH.fullmatch(line):
            _put(names, len(names), item[1])
        elif item := _NUMBERED.fullmatch(line):
            _put(names, int(item[1]), item[2])
        elif line[0] in " \t-":
            raise ValueError(f"`{line.strip()}` is no name")
        else:
            break
    return names


def _put(names: dict[int, str], index: int, written: str) -> None:
    if index in names:
        raise ValueError(f"number {index} is named twice")
    names[index] = _plain(written.strip())


def _plain(written: str) -> str:
    if written[0] == "'":
        return written[1:-1].replace("''", "'")
    if written[0] == '"':
        return re.sub(r"\\(.)", r"\1", written[1:-1])
    return written


def _without_comment(line: str) -> str:
    """Cuts `# …` off, where it stands in no quotes and after a blank."""
    return _COMMENT.sub(lambda match: match[1] or "", line)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


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
        split = next((found for part in inner if (found := files.split_of(part))), "")
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
            Record(
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
