"""How folders and files are named: splits, pictures, notes, and what is hidden."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

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
