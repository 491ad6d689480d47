"""Writing a data set folder so that there is always the old one or the new one, never a mixture.

The new folder grows in a hidden sibling; two renames put it in the old one's place. A kill between
the two leaves the old folder under its hidden name, and the next `recover` brings it back.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from fingerspell.errors import DataError

SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
_SPLIT_OF = {spelling: split for split, names in SPLIT_NAMES.items() for spelling in names}
_IGNORED = frozenset({"thumbs.db", "desktop.ini"})
_HIDDEN = frozenset({"__macosx", "icon\r"})
"""An archive's copies of what a Mac knows of each file; the icon that a Mac gave a folder."""

_NOTES = (".txt", ".md", ".csv", ".json", ".xml", ".html", ".yaml", ".yml")


def folders(folder: Path) -> list[Path]:
    """Returns the visible sub-folders in name order; empty where `folder` is none."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if p.is_dir() and not hidden(p.name))
    return sorted(found, key=lambda p: p.name)


def files(folder: Path) -> list[Path]:
    """Returns the files that mean to be pictures, in natural order (A2 before A10).

    A wrong extension is no reason to leave a file out; hidden files, folder caches and notes
    such as `readme.txt` are.
    """
    found = (p for p in folder.iterdir() if p.is_file() and not hidden(p.name))
    return sorted((p for p in found if not is_note(p.name)), key=lambda p: natural(p.name))


def class_pictures(folder: Path) -> dict[str, list[Path]]:
    """Returns the files of each class folder that holds any."""
    return {c.name: pictures for c in folders(folder) if (pictures := files(c))}


def split_folders(folder: Path) -> dict[str, Path]:
    """Returns the ready-made `train`, `val`, `test` folders that exist, whatever their spelling."""
    by_name = {p.name.lower(): p for p in folders(folder)}
    return {
        split: by_name[names[0]]
        for split, spellings in SPLIT_NAMES.items()
        if (names := [name for name in spellings if name in by_name])
    }


def split_of(name: str) -> str:
    """Returns the split a name speaks of, or "": `Train`, `asl_alphabet_test`, `val2017`."""
    splits = {_SPLIT_OF[word] for word in _words(name) if word in _SPLIT_OF}
    return splits.pop() if len(splits) == 1 else ""


def is_split_name(name: str) -> bool:
    """Returns whether a name says a split and nothing else: `valid`, `TEST`, `train2017`."""
    words = _words(name)
    return len(words) == 1 and words[0] in _SPLIT_OF


def natural(name: str) -> tuple[tuple[tuple[int, str | int], ...], str]:
    """Sort key: digits count as numbers, so frames keep the order of their video."""
    parts = re.split(r"(\d+)", name)
    # The name itself decides between `1` and `01`, whatever order the folder was listed in.
    return tuple((0, int(p)) if p.isdecimal() else (1, p) for p in parts if p), name


def hidden(name: str) -> bool:
    """Returns whether a file or folder is an archive's or a file manager's own."""
    return name.startswith(".") or name.casefold() in _HIDDEN


def is_note(name: str) -> bool:
    """Returns whether a file tells about pictures instead of being one."""
    lower = name.lower()
    return lower.endswith(_NOTES) or lower in _IGNORED


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", name.casefold()) if word]


StrPath = str | os.PathLike[str]


def partial_of(output_dir: Path) -> Path:
    """Returns the hidden sibling in which a data set grows."""
    return _sibling(output_dir, "partial")


def previous_of(output_dir: Path) -> Path:
    """Returns the hidden sibling that holds the old data set for the moment of the exchange."""
    return _sibling(output_dir, "previous")


def discarded_of(output_dir: Path) -> Path:
    """Returns the hidden sibling in which a replaced data set is deleted.

    It has a name of its own, so that a half-deleted folder is never brought back.
    """
    return _sibling(output_dir, "discarded")


def _sibling(output_dir: Path, kind: str) -> Path:
    # Resolved: where the folder is a link, its goal is replaced, on the goal's own disk.
    there = output_dir.resolve()
    return there.parent / f".{there.name}.{kind}"


def link_or_copy(source: Path, target: StrPath) -> bool:
    """Hard-links where the file system allows, copies elsewhere; returns whether it linked.

    Never writes into a file that is there already: it might be a link to somebody's picture.
    """
    try:
        # A link to a link would break with it; asking each file is cheaper than resolving each.
        os.link(source.resolve() if os.path.islink(source) else source, target)  # noqa: PTH114
    except OSError:
        with source.open("rb") as old, open(target, "xb") as new:  # noqa: PTH123
            shutil.copyfileobj(old, new, 1 << 20)
        return False
    return True


def put(data: bytes, target: StrPath) -> None:
    """Writes a picture that has no file of its own: a box cut out, a row of a table."""
    with open(target, "xb") as new:  # noqa: PTH123
        new.write(data)


def recover(output_dir: Path) -> None:
    """Tidies up after a killed run: brings the old folder back, drops half-written ones."""
    previous, discarded = previous_of(output_dir), discarded_of(output_dir)
    _drop(discarded)
    _drop(partial_of(output_dir))
    if previous.exists() and output_dir.exists():
        previous.rename(discarded)
        _drop(discarded)
    elif previous.exists():
        previous.rename(output_dir.resolve())


def _drop(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def make_ready(output_dir: Path) -> None:
    """Finds out before the long work whether `output_dir` can be written; see also `recover`."""
    with _said_plainly(output_dir):
        recover(output_dir)
        there = output_dir.parent.resolve()
        while not there.exists():
            there = there.parent
        with TemporaryFile(dir=there):  # Without a name: a kill leaves nothing behind.
            pass


@contextmanager
def new_folder(output_dir: Path) -> Iterator[Path]:
    """Gives an empty folder that takes the place of `output_dir` when the block ends well.

    When it doesn't, nothing is left behind. The files at its top (manifest and reports) reach the
    disk before the exchange, so that a power cut leaves no empty ones; pictures that were copied
    may be cut short by one, which `verify` finds. Raises `DataError` where nothing can be written.
    """
    partial = partial_of(output_dir)
    with _said_plainly(output_dir):
        output_dir.parent.mkdir(parents=True, exist_ok=True)
        recover(output_dir)
        try:
            partial.mkdir()
            yield partial
            _flush(partial)
            if output_dir.exists():
                output_dir.resolve().rename(previous_of(output_dir))
            partial.rename(output_dir.resolve())
        finally:
            with suppress(OSError):
                recover(output_dir)


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            with path.open("r+b") as file:
                os.fsync(file.fileno())


@contextmanager
def _said_plainly(output_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            found=f"cannot write {output_dir}: {error.strerror or error}",
            expected="a folder that may be written, with room for the pictures",
            fix="choose another --output_dir, or free some space",
        ) from error
