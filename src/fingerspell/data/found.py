"""One picture as it was found: a whole file, a box of one, or a row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture: its edges as shares of the width and height, 0 left and top."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table of pixels: where its bytes start in the file, and how many there are."""

    offset_bytes: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """One picture of one class.

    `split` is `train`, `val` or `test` where the folder was split already, else empty. `part` is
    None where the whole file is the picture. `name` is what the picture is called in the data
    set; the file's own name where it is empty.
    """

    path: Path
    label: str
    source: str
    size_bytes: int
    mtime_ns: int
    split: str = ""
    part: Box | Row | None = None
    name: str = ""

    @property
    def file_name(self) -> str:
        """What the picture is called in the data set."""
        return self.name or self.path.name


@dataclass(frozen=True, slots=True)
class Bad:
    """A file that cannot be used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """A class whose folder is called otherwise: `folder` as it was written, and its label."""

    source: str
    folder: str
    label: str
