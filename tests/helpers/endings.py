"""Names of files that are pictures in every command, and of files that are in none."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from fingerspell.images.decode import container_formats
from helpers.touched import touch

ALSO_PICTURES = ("1.avif", "2.heic", "3.HEIF", "4.jfif", "5.jpe", "6.hif")
"""Names that commands which list folders once left out, although `prepare` read such files."""

NO_PICTURES = ("._1.jpg", ".hidden.jpg", "Thumbs.db", "desktop.ini", "notes.txt", "labels.csv")


def touch_all(folder: Path, names: Iterable[str]) -> None:
    """Makes a file of each name, and the folders that they lie in."""
    touch(folder, *names)


def picture(ending: str, colour: tuple[int, int, int] = (200, 30, 30), side_px: int = 64) -> bytes:
    """One plain picture in the format that a file with this ending holds."""
    for kind in ("AVIF", "HEIC"):
        container_formats(kind)  # Makes Pillow know the plug-in.
    out = io.BytesIO()
    kind = Image.registered_extensions()[ending.lower()]
    Image.new("RGB", (side_px, side_px), colour).save(out, kind)
    return out.getvalue()
