"""What does `fingerspell adapt` make of a sign that the alphabet lacks? 5, 10, 20 pictures of it.

    python benchmarks/new_sign.py --data ../shared/data

The sign is the digit 7, which no training showed, one photograph of each of 206 people: so many of
them are given, drawn by lot, and the others' are read. Every class that there was before is read
of sources that the released recogniser has not seen, and other digits show what is taken for the
new sign wrongly. Saves `benchmarks/results/new_sign.json`.

The 8 differs from it by one finger. With --beside fewest pictures are given, once alone and once
with as many of the 8 as `nothing`; saves `benchmarks/results/new_sign_beside.json`.
"""

from __future__ import annotations

import json
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adapt import (
    Picture,
    adapted,
    asked,
    each_of,
    grouped,
    options,
    read_by,
    released,
    some,
)
from circumstances import circumstances, save
from starter_sources import NOTHING, is_learnt

SOURCE, DIGIT, SIGN = "digits_218", "7", "seven"
STRAYS = ("1", "3", "5", "8")
"""None of these is the sign: 1 looks like D and Z, the others like no letter."""

LIKE_IT = "8"
"""The thumb touches the finger beside the one that it touches for a 7."""

Try = tuple[int, bool]
"""How many pictures of the sign are given, and whether as many of what looks like it are, too."""


def deal(pictures: Sequence[Path], count: int, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Returns `count` pictures of the new sign to learn from, and the others to test on."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    mixed = [(pictures[i], SIGN) for i in order]
    return mixed[:count], mixed[count:]


def beside(folder: Path, count: int, seed: int) -> list[Picture]:
    """Returns `count` pictures of what looks like the sign, of people who are not measured."""
    paths = [x for x in sorted((folder / LIKE_IT).iterdir()) if is_learnt(SOURCE, LIKE_IT, x)]
    order = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [(paths[i], NOTHING) for i in order]


def strays(folder: Path) -> list[Path]:
    """Returns hands that show another sign, of people who did not show it in training."""
    found = (path for digit in STRAYS for path in sorted((folder / digit).iterdir()))
    return [path for path in found if not is_learnt(SOURCE, path.parent.name, path)]


def taken(model: Any, labels: Sequence[str], paths: Sequence[Path]) -> float:
    """Returns the share of pictures that are taken for the new sign."""
    return read_by(model, labels, [(path, SIGN) for path in paths])


def taken_each(model: Any, labels: Sequence[str], paths: Sequence[Path]) -> dict[str, float]:
    """Returns the same for every digit that they show."""
    digits = sorted({path.parent.name for path in paths})
    return {
        digit: taken(model, labels, [path for path in paths if path.parent.name == digit])
        for digit in digits
    }


def measure(
    data: Path, others: Sequence[str], tries: Sequence[Try], seeds: Sequence[int], starter: Path
) -> list[dict[str, Any]]:
    """Returns one row for each try and seed."""
    sevens, wrong = sorted((data / SOURCE / DIGIT).iterdir()), strays(data / SOURCE)
    letters = {name: some(grouped(data / name)) for name in others}
    before = each_of(*released(starter), letters)
    shown = [path for pictures in letters.values() for path, _ in pictures]
    rows = []
    for count, told in tries:
        for seed in seeds:
            given, tested = deal(sevens, count, seed)
            more = beside(data / SOURCE, count, seed) if told else []
            model, labels, seconds = adapted([*given, *more], seed, starter)
            row = {
                "count": count, "told": told, "seed": seed, "tested": len(tested),
                "seconds": round(seconds, 1), "sign": read_by(model, labels, tested),
                "strays": taken(model, labels, wrong),
                "each_stray": taken_each(model, labels, wrong),
                "letters": taken(model, labels, shown),
                "before": before, "after": each_of(model, labels, letters),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the mean over seeds for what was given; letters are means over sources."""
    table = {}
    for count, told in dict.fromkeys((row["count"], row["told"]) for row in rows):
        found = [row for row in rows if (row["count"], row["told"]) == (count, told)]
        signs = {k: statistics.fmean(x[k] for x in found) for k in ("sign", "strays", "letters")}
        known = {
            k: statistics.fmean(statistics.fmean(x[k].values()) for x in found)
            for k in ("before", "after")
        }
        each = {
            digit: statistics.fmean(x["each_stray"][digit] for x in found)
            for digit in found[0]["each_stray"]
        }
        longest_s = max(x["seconds"] for x in found)
        name = f"{count}, and {count} of {LIKE_IT} as `{NOTHING}`" if told else str(count)
        table[name] = {**signs, **known, "each_stray": each, "longest_s": longest_s}
    return table


def main() -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--beside", action="store_true", help="also with what looks like the sign")
    args = asked(parser, [SOURCE])
    fewest = min(args.counts)
    tries = [(fewest, False), (fewest, True)] if args.beside else [(x, False) for x in args.counts]
    rows = measure(args.data, args.others, tries, args.seeds, args.starter)
    said = circumstances(shlex.join(["python", "benchmarks/new_sign.py", *sys.argv[1:]]))
    name = "new_sign_beside" if args.beside else "new_sign"
    save(name, {**said, "mean": means(rows), "rows": rows})
    print(json.dumps(means(rows), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
