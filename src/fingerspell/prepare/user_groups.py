"""User groups: a picture's group by a pattern in its path, source, CSV table or person's folder."""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from fingerspell.errors import ConfigError, DataError
from fingerspell.prepare.examine import Picture
from fingerspell.prepare.records import Record, Row

_BY_SOURCE = "source"
_EXAMPLES = 5
"""How many pictures without a named group the report lists."""

_COLUMNS = ("path", "group")
_EXAMPLE = r"--group_by 'hand(\d+)' where files are called hand1_a.jpg, hand2_a.jpg"


def user_groups(
    pictures: Sequence[Picture],
    group_by: str,
    groups_csv: Path | None,
    skipped: Sequence[Path] = (),
) -> list[str] | None:
    """Returns the group named for each picture, "" where none is; None where nothing names one.

    `group_by` is the word `source`, or a regular expression whose capture groups, looked for
    anywhere in `address`, make up the name. `groups_csv` is a table with the columns `path` and
    `group`; its lines may also name the files that were `skipped` as bad. Without either, a
    person's folder below the classes is a group of its source. Raises `ConfigError`
    for a pattern that cannot work and `DataError` for one that no picture matches, or a table
    that does not fit the pictures.
    """
    files = [picture.file for picture in pictures]
    if groups_csv is not None:
        return _by_table(files, groups_csv, skipped)
    if group_by == _BY_SOURCE:
        return [file.source for file in files]
    if group_by:
        return _by_pattern(files, group_by)
    persons = [file.person and f"{file.source}/{file.person}" for file in files]
    return persons if any(persons) else None


def refuse_shared(
    pictures: Sequence[Picture], groups: Sequence[str], holdout_sources: Collection[str]
) -> None:
    """Raises `DataError` where a user group lies in a held-out source and in another."""
    sides: dict[bool, set[str]] = {True: set(), False: set()}
    for picture, group in zip(pictures, groups, strict=True):
        if group:
            sides[picture.file.source in holdout_sources].add(group)
    if shared := sorted(sides[True] & sides[False]):
        raise DataError(
            found=f"group {shared[0]} lies in a held-out source and in one to learn from"
            + (f", and {len(shared) - 1} more do" if len(shared) > 1 else ""),
            expected="unseen signers that are in no training picture",
            fix="hold out every source that shows them, or correct the groups",
        )


def coverage(pictures: Sequence[Picture], groups: Sequence[str]) -> dict[str, Any]:
    """Returns, ready for JSON, how many pictures have a named group, and the first without."""
    others = [str(p.file.path) for p, name in zip(pictures, groups, strict=True) if not name]
    return {
        "named": len(pictures) - len(others),
        "pictures": len(pictures),
        "examples": others[:_EXAMPLES],
    }


def _by_pattern(files: Sequence[Record], pattern: str) -> list[str]:
    """Names each file's group by what the pattern captures; several captures are joined by `/`."""
    compiled = _compile(pattern)
    names = []
    for file in files:
        match = compiled.search(_address(file))
        names.append("/".join(part for part in match.groups() if part) if match else "")
    if not any(names):
        examples = ", ".join(_address(file) for file in files[:: max(1, len(files) // 3)][:3])
        raise DataError(
            found=f"--group_by {pattern!r} matches none of {len(files):,} pictures: {examples}",
            expected="a pattern that is found in their paths",
            fix=f"write it for paths like these, as in {_EXAMPLE}",
        )
    return names


def _address(file: Record) -> str:
    """Returns what a pattern sees: the source, then the path below its folder, `/` between.

    `massey/A/hand1_a.jpg`. Where the folder's name does not occur in the path (it was `.`), the
    last three parts stand for it. What lies above the source never counts.
    """
    parts = _place(file).absolute().parts
    folder = re.sub(r"_\d+$", "", file.source)  # A second folder of one name got a number.
    name = file.source if file.source in parts[:-1] else folder
    above = [i for i, part in enumerate(parts[:-1]) if part == name]
    below = parts[above[-1] + 1 :] if above else parts[-3:]
    return "/".join([file.source, *below])


def _by_table(files: Sequence[Record], table: Path, skipped: Sequence[Path] = ()) -> list[str]:
    """Names groups by a CSV file's lines; a file that no line names has none.

    A line's path is a file name, or the end of a path such as `A/A1.jpg`; the same file may be
    several pictures (boxes, rows). Raises `DataError` for a line that fits no file, several
    files, or one that another line puts elsewhere.
    """
    lines = _read(table)
    if not lines:
        raise DataError(
            found=f"{table} names no group at all",
            expected="lines with a path and a group",
            fix="fill the table, or omit --groups",
        )
    places = [_written(path) for path in (*map(_place, files), *skipped)]
    ends = _ends(places, {name.count("/") + 1 for _, name, _ in lines})
    names = [""] * len(files)
    for number, name, group in lines:
        fitting = ends.get(name, [])
        _check_line(table, number, name, sorted({places[i] for i in fitting}))
        for index in (i for i in fitting if i < len(files)):
            if names[index] not in ("", group):
                raise DataError(
                    found=f"{table} puts {name} into {names[index]} and, line {number}, {group}",
                    expected="one group a picture",
                    fix="take one of the lines out",
                )
            names[index] = group
    return names


def _ends(places: Sequence[str], lengths: Iterable[int]) -> dict[str, list[int]]:
    """Returns which places end in the same last so many parts."""
    ends: dict[str, list[int]] = {}
    for index, place in enumerate(places):
        parts = place.split("/")
        for length in lengths:
            ends.setdefault("/".join(parts[-length:]), []).append(index)
    return ends


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            found=f"--group_by {pattern!r} is no regular expression: {error}",
            expected=f"the word {_BY_SOURCE}, or a pattern with a part in parentheses",
            fix=_EXAMPLE,
        ) from error
    if not compiled.groups:
        raise ConfigError(
            found=f"--group_by {pattern!r} has no part in parentheses",
            expected="parentheses around what names the group",
            fix=_EXAMPLE,
        )
    return compiled


def _written(path: Path) -> str:
    """A whole path as a table may name it: macOS takes accents apart, tables mostly don't."""
    return unicodedata.normalize("NFC", path.absolute().as_posix())


def _place(file: Record) -> Path:
    """Where a picture lies; a row of a table lies in it as in a folder."""
    return file.path / file.file_name if isinstance(file.part, Row) else file.path


def table_text(table: Path) -> str:
    """Returns the text of a table of groups; raises `DataError` where it cannot be read."""
    try:
        return table.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(table, error) from error


def _unreadable(table: Path, error: Exception) -> DataError:
    return DataError(
        found=f"cannot read {table}: {error}",
        expected=f"a CSV table in UTF-8 with the header {','.join(_COLUMNS)}",
        fix="check --groups",
    )


def _read(table: Path) -> list[tuple[int, str, str]]:
    """Returns line number, path with `/` between its parts, and group of every line."""
    try:
        reader = csv.DictReader(io.StringIO(table_text(table), newline=""))
        header = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise _unreadable(table, error) from error
    if not set(_COLUMNS) <= set(header):
        raise DataError(
            found=f"{table} has the columns {', '.join(header) or 'of an empty file'}",
            expected=f"a first line with {','.join(_COLUMNS)}",
            fix="name the columns so",
        )
    return [(number, *_line(table, number, row)) for number, row in rows]


def _line(table: Path, number: int, row: dict[str, str | None]) -> tuple[str, str]:
    path, group = ((row[column] or "").strip() for column in _COLUMNS)
    if not path or not group:
        raise DataError(
            found=f"line {number} of {table} lacks its {'group' if path else 'path'}",
            expected="a path and a group in every line",
            fix="fill it in, or take the line out: pictures without one are grouped by likeness",
        )
    plain = PurePosixPath(path.replace("\\", "/")).as_posix()
    return unicodedata.normalize("NFC", plain), group


def _check_line(table: Path, number: int, name: str, fitting: Sequence[str]) -> None:
    if not fitting:
        raise DataError(
            found=f"line {number} of {table} names {name}, which is no picture of --input_dir",
            expected="a file name, or the end of a path such as A/A1.jpg",
            fix="correct the line or take it out",
        )
    if len(fitting) > 1:
        raise DataError(
            found=f"line {number} of {table}: {name} may be {' or '.join(fitting[:3])}",
            expected="so much of the path that it fits one file",
            fix="put the folder before the name, as in A/A1.jpg",
        )
