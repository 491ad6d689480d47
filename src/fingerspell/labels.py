"""The class labels, their order, and how folder names are read as labels."""

import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fingerspell.errors import ConfigError

LABELS_FILE = "training_set_labels.txt"
"""The guide's name for the file that has one label a line, in prediction order."""

LETTERS: tuple[str, ...] = tuple(string.ascii_uppercase)
"""A–Z."""

CONTROLS: tuple[str, ...] = ("del", "nothing", "space")
"""The three classes of the usual data set that are not letters."""

NOTHING = "nothing"
"""The class of pictures that show no letter."""

MOVING: frozenset[str] = frozenset({"J", "Z"})
"""Letters that are movements: a still of J looks like I, a still of Z like D."""

STATIC_LETTERS: tuple[str, ...] = tuple(x for x in LETTERS if x not in MOVING)
"""The 24 letters that a single picture can show."""

ALPHABET: tuple[str, ...] = LETTERS + CONTROLS
"""The 29 classes in prediction order: sorted folder names, capitals before small letters."""

LABEL_OF: Mapping[str, str] = {
    **{letter.lower(): letter for letter in LETTERS}, "del": "del", "delete": "del",
    "backspace": "del", "nothing": "nothing", "none": "nothing", "blank": "nothing",
    "background": "nothing", "empty": "nothing", "space": "space", "blank space": "space",
    "_": "space",
}  # fmt: skip
"""Other spellings of the labels, case-insensitive; any other name is a label of its own."""


def label_of(written: str) -> str:
    """Returns the label of a class as written; own signs and digits stay, less outer blanks.

    Letters with marks come in their composed form (NFC): some systems write `É` as two characters.
    """
    stripped = unicodedata.normalize("NFC", written.strip())
    return LABEL_OF.get(stripped.casefold(), stripped)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Returns class names without repetition in prediction order (sorted by code point)."""
    return tuple(sorted(set(names)))


def chosen_labels(asked: str | Sequence[str] | None, labels: Sequence[str]) -> tuple[str, ...]:
    """Returns those of `labels` that a list such as `A-Z` or `A-I,K-Y,space` names, in their order.

    Its parts, also as a sequence, are labels (or another spelling of one) and ranges of labels of
    one character each; `None` names all. Raises `ConfigError` for a part that names none.
    """
    if asked is None:
        return tuple(labels)
    chosen: set[str] = set()
    for part in map(str.strip, asked.split(",") if isinstance(asked, str) else asked or [""]):
        first, _, last = part.partition("-")
        named = {part, label_of(part), part.upper()}.intersection(labels)
        if not named and len(first) == len(last) == 1:
            ends = [end.upper() if end.upper() in labels else end for end in (first, last)]
            named = {x for x in labels if len(x) == 1 and ends[0] <= x <= ends[1]}
        if not named:
            raise ConfigError(
                found=f"{part!r} in the list of labels {asked!r}",
                expected=f"labels of this recogniser ({', '.join(labels)}) or ranges of them",
                fix="list them like A-Z or A-I,K-Y,space",
            )
        chosen |= named
    return tuple(label for label in labels if label in chosen)


def write_labels(path: Path, labels: Sequence[str]) -> None:
    """Writes one label a line, in prediction order, UTF-8 with a closing newline."""
    path.write_text("".join(f"{label}\n" for label in labels), encoding="utf-8", newline="\n")


def read_labels(path: Path) -> tuple[str, ...]:
    """Reads what `write_labels` wrote; blank lines and a byte order mark are ignored."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip())
