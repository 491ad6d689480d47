"""Records: one picture of an input folder each, its class and source; file names made unique."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fingerspell.labels import label_of


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
class Record:
    """One picture of one class.

    `split` is `train`, `val` or `test` where the folder was split already, else empty. `part` is
    None where the whole file is the picture. `name` is what the picture is called in the data
    set; the file's own name where it is empty. `person` is the folder below the class's that a
    person or recording has to itself, else empty.
    """

    path: Path
    label: str
    source: str
    size_bytes: int
    mtime_ns: int
    split: str = ""
    part: Box | Row | None = None
    name: str = ""
    person: str = ""

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


@dataclass(slots=True)
class Source:
    """The pictures of one input folder, and its layout in a few words.

    `written` holds the label of each class as it was written there.
    """

    name: str
    layout: str
    records: list[Record] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    unusable: list[Bad] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    companions: Counter[str] = field(default_factory=Counter)

    def label(self, written: str) -> str:
        """Returns the label of a class as written, and remembers it for `renamed`."""
        if written not in self.written:
            self.written[written] = label_of(written)
        return self.written[written]

    def renamed(self) -> list[Renamed]:
        """Returns every class whose label looks different from its folder's name."""
        return [
            Renamed(self.name, folder, label)
            for folder, label in self.written.items()
            if unicodedata.normalize("NFC", folder) != label
        ]


_NO_FOLDER = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029]|^\.')


def is_folder_name(label: str) -> bool:
    """Returns whether a class may be a folder on every system; a list of names could say `../x`."""
    return bool(label) and not _NO_FOLDER.search(label) and not label.endswith(".")


def same_name(name: str) -> str:
    """Returns what file systems that know no capitals take for the same name."""
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def distinct(records: Sequence[Record], root: Path) -> list[Record]:
    """Returns the pictures of one source with names that differ within each class.

    Where two of a class are called alike, all of the class get the folders in front that tell
    them apart (`train_1.jpg`, `test_1.jpg`): a numbered series stays one.
    """
    by_label: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(records):
        by_label[item.label].append(index)
    result = list(records)
    for indices in by_label.values():
        names = {same_name(records[i].file_name) for i in indices}
        if len(names) < len(indices):
            for i, name in zip(indices, _names([records[i] for i in indices], root), strict=True):
                result[i] = replace(records[i], name=name)
    return result


def _names(records: Sequence[Record], root: Path) -> list[str]:
    homes = [_home(item, root) for item in records]
    prefix = _prefixes(list(dict.fromkeys(homes)))
    names, taken = [], set()
    for item, home in zip(records, homes, strict=True):
        name = base = prefix[home] + item.file_name
        number = 2
        while same_name(name) in taken:  # Alike but for capitals, in one folder.
            name, number = f"{number}_{base}", number + 1
        taken.add(same_name(name))
        names.append(name)
    return names


def _home(item: Record, root: Path) -> tuple[str, ...]:
    """The folders between source and picture; a table stands for a folder of its rows."""
    inner = item.path.relative_to(root) if item.path != root else Path(root.name)
    return (inner.with_suffix("") if isinstance(item.part, Row) else inner.parent).parts


def _prefixes(homes: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """What is different about each folder, as the beginning of a file name."""
    if len(homes) == 1:
        return {homes[0]: ""}
    depth = max(len(home) for home in homes)
    padded = [home + ("",) * (depth - len(home)) for home in homes]
    differ = [level for level in range(depth) if len({home[level] for home in padded}) > 1]
    tags = ["_".join(home[level] for level in differ if home[level]) for home in padded]
    if len({same_name(tag) for tag in tags}) < len(tags):
        tags = [str(number) for number in range(1, len(homes) + 1)]
    return {home: f"{tag}_" if tag else "" for home, tag in zip(homes, tags, strict=True)}
