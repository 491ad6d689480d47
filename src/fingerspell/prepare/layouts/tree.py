"""Listing of an input folder: every folder and file once, symbolic links resolved.

Nothing is opened. The layouts read this tree and not the disk.
"""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from fingerspell import files
from fingerspell.dataset.manifest import split_of
from fingerspell.errors import DataError
from fingerspell.prepare.records import Bad

MAX_DEPTH = 12
"""Folders below one another that are looked into; pictures lie far higher."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Line ends and the like: a table or a list of labels with such a name cannot be read again."""


class File(NamedTuple):
    """A file, with its path as text: 87,000 `Path`s would cost as much as the listing."""

    path: str
    name: str
    size_bytes: int
    mtime_ns: int


@dataclass(slots=True)
class Folder:
    """What lies in a folder: pictures in natural order, notes, sub-folders in name order."""

    path: str
    name: str
    pictures: list[File] = field(default_factory=list)
    notes: list[File] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)


class _Link(NamedTuple):
    parent: Folder
    path: str
    name: str
    target: str
    depth: int


@dataclass(slots=True)
class _Walk:
    root: str
    bad: list[Bad] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    companions: Counter[str] = field(default_factory=Counter)
    links: deque[_Link] = field(default_factory=deque)


class Tree(NamedTuple):
    """Everything below an input folder, with what cannot be read, and idle links.

    `companions` counts what phones, photo managers and the system left there, by ending.
    """

    root: Folder
    bad: list[Bad]
    idle: list[Path]
    companions: Counter[str]


def read_tree(root: Path) -> Tree:
    """Lists everything below `root`.

    Links are followed, also out of the folder, as model hubs and photo collections lay them out;
    each folder once: a link to a folder that is read already, also one around in a circle, is
    idle. A link to a folder that holds `root` itself would read far too much, and is bad. Raises
    `OSError` only where `root` itself cannot be listed, and `DataError` for a folder that nobody
    could name as a class.
    """
    walk, idle = _Walk(os.path.realpath(root)), list[Path]()
    tree = _list(Folder(os.fspath(root), root.name), walk.root, 0, walk)
    while walk.links:
        link = walk.links.popleft()
        if os.path.normcase(link.target) in walk.read:
            idle.append(Path(link.path))
            continue
        _child(link.parent, link.path, link.name, link.target, link.depth, walk)
        link.parent.folders.sort(key=lambda folder: folder.name)
    return Tree(tree, walk.bad, idle, walk.companions)


def every(folder: Folder) -> Iterator[Folder]:
    """Yields a folder and all folders below it, parents first."""
    yield folder
    for child in folder.folders:
        yield from every(child)


def left_over(tree: Folder, used: set[str]) -> list[Path]:
    """Returns what no layout took: whole folders where nothing below was used, else files.

    `used` holds the paths of folders whose pictures were taken. The pictures of a folder that is
    called like a split are named one by one, because they look as if they had been meant.
    """
    return [Path(path) for path in _left_over(tree, used, tree.path)]


def _left_over(folder: Folder, used: set[str], root: str) -> Iterator[str]:
    whole = folder.path != root and not any(f.path in used for f in every(folder))
    if whole and not split_of(folder.name):
        yield folder.path
        return
    if folder.path not in used:
        yield from (file.path for file in folder.pictures)
    for child in folder.folders:
        yield from _left_over(child, used, root)


def _list(folder: Folder, real: str, depth: int, walk: _Walk) -> Folder:
    """Fills `folder` from the disk; `real` is its path without links."""
    walk.read.add(os.path.normcase(real))
    with os.scandir(folder.path) as entries:
        for entry in entries:
            if not files.is_hidden(entry.name):
                _place(entry, folder, real, depth, walk)
    folder.pictures.sort(key=lambda file: files.natural(file.name))
    folder.notes.sort(key=lambda file: files.natural(file.name))
    folder.folders.sort(key=lambda child: child.name)
    return folder


def _place(entry: os.DirEntry[str], folder: Folder, real: str, depth: int, walk: _Walk) -> None:
    name = entry.name
    try:
        if not is_unicode(name):
            _refuse(walk, entry.path, "a name that is not valid Unicode")
        elif has_control(name):
            _control(entry, walk)
        elif _is_link(entry):
            _link(entry, folder, depth, walk)
        elif entry.is_file():
            _add(folder, entry.path, name, entry.stat(), walk)
        elif entry.is_dir():
            _child(folder, entry.path, name, os.path.join(real, name), depth, walk)  # noqa: PTH118
        else:
            _refuse(walk, entry.path, "a pipe, socket or device, no file")
    except OSError as error:
        _refuse(walk, entry.path, f"cannot be read ({error.strerror or error})")


def _control(entry: os.DirEntry[str], walk: _Walk) -> None:
    """Leaves a file out; a folder may be a whole class, and one that is missed costs more."""
    if not entry.is_dir():
        _refuse(walk, entry.path, "a name with control characters, such as a line end")
        return
    raise DataError(
        found=f"the folder {entry.path!r}, whose name has control characters",
        expected="names of one line, that a table can hold",
        fix="rename the folder",
    )


def _child(parent: Folder, path: str, name: str, real: str, depth: int, walk: _Walk) -> None:
    if depth == MAX_DEPTH:
        _refuse(walk, path, f"a folder more than {MAX_DEPTH} folders down")
        return
    try:
        parent.folders.append(_list(Folder(path, name), real, depth + 1, walk))
    except OSError as error:
        _refuse(walk, path, f"a folder that cannot be listed ({error.strerror or error})")


def _link(entry: os.DirEntry[str], folder: Folder, depth: int, walk: _Walk) -> None:
    """Takes a link to a file; puts a link to a folder off until all real folders are read."""
    target = os.path.realpath(entry.path)
    if _inside(walk.root, target) and not _inside(target, walk.root):
        _refuse(walk, entry.path, f"a link to a folder around this one: {_shown(target)}")
        return
    try:
        status = os.stat(target)  # noqa: PTH116
    except OSError:
        _refuse(walk, entry.path, f"a broken link: {_shown(target)}")
        return
    if S_ISDIR(status.st_mode):
        walk.links.append(_Link(folder, entry.path, entry.name, target, depth))
    elif S_ISREG(status.st_mode):
        _add(folder, entry.path, entry.name, status, walk)
    else:
        _refuse(walk, entry.path, "a link to a pipe, socket or device")


def _add(folder: Folder, path: str, name: str, status: os.stat_result, walk: _Walk) -> None:
    if files.is_companion(name):
        walk.companions[re.split(r"[.:]", name)[-1].lower()] += 1
        return
    into = folder.notes if files.is_note(name) else folder.pictures
    into.append(File(path, name, status.st_size, status.st_mtime_ns))


def _is_link(entry: os.DirEntry[str]) -> bool:
    # Windows has junctions beside links; Python tells them apart from 3.12 on.
    return entry.is_symlink() or bool(getattr(entry, "is_junction", bool)())


def _inside(target: str, root: str) -> bool:
    target, root = os.path.normcase(target), os.path.normcase(root)
    return target == root or target.startswith(root.rstrip(os.sep) + os.sep)


def is_unicode(name: str) -> bool:
    """Returns whether a name is text: Linux lets files be called any bytes."""
    return name.isascii() or _shown(name) == name


def has_control(name: str) -> bool:
    """Returns whether a name holds line ends or other characters that no table keeps."""
    return bool(_CONTROL.search(name))


def _shown(path: str) -> str:
    """The path as text that every file can hold: bytes of another encoding become `\\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _refuse(walk: _Walk, path: str, reason: str) -> None:
    shown = _CONTROL.sub(lambda match: repr(match[0])[1:-1], _shown(path))
    walk.bad.append(Bad(Path(shown), reason))
