"""Sign-MNIST tables: a CSV file with a picture of 28×28 grey pixels in each line."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from fingerspell.dataset.manifest import split_of
from fingerspell.labels import LETTERS
from fingerspell.prepare.examine import parse_row
from fingerspell.prepare.layouts.tree import File, Folder, every, left_over
from fingerspell.prepare.records import Bad, Record, Row, Source

_LONGEST_LINE_BYTES = 16 * 1024
"""More than 785 numbers and quotation marks need."""


def read_table(tree: Folder, name: str) -> Source | None:
    """Reads every row of the Sign-MNIST tables in a folder; None where there are none."""
    source, used = Source(name, "Sign-MNIST table"), set[str]()
    # The usual download holds each table twice, the second time in a folder of its own name.
    tables: dict[tuple[str, int], File] = {}
    for folder in every(tree):
        for note in folder.notes:
            key = (note.name.lower(), note.size_bytes)
            try:
                if key not in tables and is_table(note):
                    tables[key] = note
                    used.add(folder.path)
            except OSError as error:
                reason = f"cannot be read ({error.strerror or error})"
                source.unusable.append(Bad(Path(note.path), reason))
    if not tables:
        return None
    for table in tables.values():
        read_rows(table, source)
    source.ignored = left_over(tree, used - {tree.path})
    return source


def is_table(note: File) -> bool:
    """Returns whether a file is a Sign-MNIST table, by its first line; may raise `OSError`."""
    if not note.name.lower().endswith(".csv"):
        return False
    with Path(note.path).open("rb") as file:
        return _is_header(file.readline(_LONGEST_LINE_BYTES))


def read_rows(table: File, source: Source) -> None:
    """Adds the rows of one table to a source; a malformed one is listed with its line number."""
    path, split = Path(table.path), split_of(Path(table.name).stem)
    for number, (line, start, text) in enumerate(_lines(path), start=1):
        try:
            written, _ = parse_row(text)
        except ValueError as error:
            source.unusable.append(Bad(path, f"line {line}: {error}"))
            continue
        label = source.written.setdefault(written, LETTERS[int(written)])
        row, name = Row(start, len(text)), f"row_{number:05}.png"
        source.records.append(
            Record(path, label, source.name, len(text), table.mtime_ns, split, row, name)
        )


def _is_header(line: bytes) -> bool:
    fields = line.removeprefix(b"\xef\xbb\xbf").replace(b'"', b"").strip().lower().split(b",")
    return fields[:2] == [b"label", b"pixel1"]


def _lines(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yields line number, offset and text of the lines after the header that hold anything."""
    with path.open("rb") as file:
        start = len(file.readline(_LONGEST_LINE_BYTES))
        for number in count(2):
            line = file.readline(_LONGEST_LINE_BYTES)
            if not line:
                return
            if text := line.rstrip():
                yield number, start, text
            start += len(line)
