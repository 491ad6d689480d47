"""Rewrites the generated tables of hand-written pages from `benchmarks/results/*.json`.

    python benchmarks/pages.py [--check] [PAGE ...]

A page holds blocks that begin with a line `<!-- begin NAME -->` and end with `<!-- end -->`; what
stands between is recomputed, all other text is left as it is. `--check` writes nothing, names
stale blocks and figures that are not in their file, and ends with 1 where there are any. Without a
page: README.md and all of docs. An unknown NAME, a block without an end, or a table whose
measurement is missing ends with 2.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.browser import tables as browser_tables
from benchmarks.figures import wrong_figures
from benchmarks.live import tables as live_tables
from benchmarks.prepare import tables as prepare_tables
from benchmarks.release import other_tables, unseen_tables
from benchmarks.speed import tables as speed_tables
from fingerspell.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
BLOCKS: Mapping[str, Callable[[], list[str]]] = {
    **prepare_tables.BLOCKS,
    **speed_tables.BLOCKS,
    **unseen_tables.BLOCKS,
    **other_tables.BLOCKS,
    **live_tables.BLOCKS,
    **browser_tables.BLOCKS,
}
"""Name of a block: the function that returns its lines."""

MARK = re.compile(r"^<!-- (?:begin (?P<name>\w+)|(?P<end>end)) -->$")


def written(
    text: str, blocks: Mapping[str, Callable[[], list[str]]] = BLOCKS
) -> tuple[str, list[str]]:
    """Returns the text with every block recomputed, and the names of those that were stale."""
    out: list[str] = []
    stale: list[str] = []
    name, before = None, []
    for number, line in enumerate(text.split("\n"), 1):
        mark = MARK.match(line)
        if mark and bool(mark["end"]) != (name is not None):
            raise DataError(
                found=f"line {number}: {line}",
                expected="`<!-- begin NAME -->` and `<!-- end -->` in turn",
                fix="close each block before the next begins",
            )
        if name is None:
            out.append(line)
            name, before = (mark["name"] if mark else None), []
        elif mark:
            body = ["", *lines_of(name, blocks), ""]
            stale += [name] if body != before else []
            out += [*body, line]
            name = None
        else:
            before.append(line)
    if name is not None:
        raise DataError(
            found=f"block {name} has no end", expected="`<!-- end -->` behind it", fix="add it"
        )
    return "\n".join(out), stale


def lines_of(name: str, blocks: Mapping[str, Callable[[], list[str]]]) -> list[str]:
    """Returns the lines of a block; raises `DataError` for a name that no table has."""
    if name not in blocks:
        raise DataError(
            found=f"unknown block {name!r}",
            expected=f"one of: {', '.join(sorted(blocks))}",
            fix="correct the name in the page",
        )
    try:
        return blocks[name]()
    except FileNotFoundError as error:
        raise DataError(
            found=f"block {name}: no {Path(error.filename).name} in benchmarks/results",
            expected="a saved measurement",
            fix="benchmarks/README.md names the command that makes it",
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="*", type=Path, help="default: README.md and all of docs")
    parser.add_argument("--check", action="store_true", help="write nothing, name stale blocks")
    args = parser.parse_args(argv)
    found = []
    for path in args.pages or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        try:
            text = path.read_text(encoding="utf-8")
            new, stale = written(text)
        except (OSError, DataError) as error:
            print(f"error: {path}: {error}", file=sys.stderr)
            return 2
        found += [f"{path}: block {name}" for name in stale]
        if args.check:
            found += [f"{path}: figure {told}" for told in wrong_figures(text)]
        elif stale:
            path.write_text(new, encoding="utf-8", newline="\n")
    for line in found:
        print(f"wrong: {line}" if args.check else f"wrote {line}")
    return 1 if args.check and found else 0


if __name__ == "__main__":
    raise SystemExit(main())
