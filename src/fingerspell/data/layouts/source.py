"""What one input folder turned out to hold."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from fingerspell.data.found import Bad, Found, Renamed
from fingerspell.labels import label_of


@dataclass(slots=True)
class Source:
    """The pictures of one input folder, and its layout in a few words.

    `written` holds the label of each class as it was written there.
    """

    name: str
    layout: str
    found: list[Found] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    unusable: list[Bad] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    def label(self, written: str) -> str:
        """Returns the label of a class as written, and keeps it in mind."""
        if written not in self.written:
            self.written[written] = label_of(written)
        return self.written[written]

    def renamed(self) -> list[Renamed]:
        """Returns every class that is called otherwise in the data set, to the eye."""
        return [
            Renamed(self.name, folder, label)
            for folder, label in self.written.items()
            if unicodedata.normalize("NFC", folder) != label
        ]
