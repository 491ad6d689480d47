"""Where the pictures of a folder lie: classes, nesting, ready-made splits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

SPLIT_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
)
_IGNORED = frozenset({"thumbs.db", "desktop.ini"})
_NOTES = frozenset({".txt", ".md", ".csv", ".json", ".xml", ".html", ".yaml", ".yml"})


def folders(folder: Path) -> list[Path]:
    """Returns the visible sub-folders in name order; empty where `folder` is none."""
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if p.is_dir() and not _hidden(p))
    return sorted(found, key=lambda p: p.name)


def files(folder: Path) -> list[Path]:
    """Returns the files that mean to be pictures, in natural order (A2 before A10).

    A wrong extension is no reason to leave a file out; hidden files, folder caches and notes
    such as `readme.txt` are.
    """
    found = (p for p in folder.iterdir() if p.is_file() and not _hidden(p) and not _is_note(p))
    return sorted(found, key=natural)


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


def natural(path: Path) -> tuple[tuple[int, str | int], ...]:
    """Sort key: digits count as numbers, so frames keep the order of their video."""
    parts = re.split(r"(\d+)", path.name)
    return tuple((0, int(p)) if p.isdigit() else (1, p) for p in parts if p)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name == "__MACOSX"


def _is_note(path: Path) -> bool:
    return path.name.lower() in _IGNORED or path.suffix.lower() in _NOTES
