"""What does `fingerspell adapt` make of a sign that the alphabet lacks? 5, 10, 20 pictures of it.

    python benchmarks/new_sign.py --data ../shared/data

The sign is the digit 7, which no training showed, one photograph of each of 206 people: so many of
them are given, drawn by lot, and the others' are read. Every class that there was before is read
of sources that the released recogniser has not seen, and other digits show what is taken for the
new sign wrongly. Saves `benchmarks/results/new_sign.json`.
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
from starter_sources import is_learnt

SOURCE, DIGIT, SIGN = "digits_218", "7", "seven"
STRAYS = ("1", "3", "5", "8")
"""None of these is the sign: 1 looks like D and Z, the others like no letter."""


def deal(pictures: Sequence[Path], count: int, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Returns `count` pictures of the new sign to learn from, and the others to test on."""
    order = np.random.default_rng(seed).permutation(len(pictures))
    mixed = [(pictures[i], SIGN) for i in order]
    return mixed[:count], mixed[count:]


def strays(folder: Path) -> list[Path]:
    """Returns hands that show another sign, of people who did not show it in training."""
    found = (path for digit in STRAYS for path in sorted((folder / digit).iterdir()))
    return [path for path in found if not is_learnt(SOURCE, path.parent.name, path)]


def taken(model: Any, labels: Sequence[str], paths: Sequence[Path]) -> float:
    """Returns the share of pictures that are taken for the new sign."""
    return read_by(model, labels, [(path, SIGN) for path in paths])


def measure(
    data: Path, others: Sequence[str], counts: Sequence[int], seeds: Sequence[int], starter: Path
) -> list[dict[str, Any]]:
    """Returns one row for each number of pictures and seed."""
    sevens, wrong = sorted((data / SOURCE / DIGIT).iterdir()), strays(data / SOURCE)
    letters = {name: some(grouped(data / name)) for name in others}
    before = each_of(*released(starter), letters)
    rows = []
    for count in counts:
        for seed in seeds:
            given, tested = deal(sevens, count, seed)
            model, labels, seconds = adapted(given, seed, starter)
            shown = [path for pictures in letters.values() for path, _ in pictures]
            row = {
                "count": count, "seed": seed, "tested": len(tested), "seconds": round(seconds, 1),
                "sign": read_by(model, labels, tested),
                "strays": taken(model, labels, wrong),
                "letters": taken(model, labels, shown),
                "before": before, "after": each_of(model, labels, letters),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
            rows.append(row)
    return rows


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns the mean over seeds for each number of pictures; letters are means over sources."""
    table = {}
    for count in sorted({row["count"] for row in rows}):
        found = [row for row in rows if row["count"] == count]
        signs = {k: statistics.fmean(x[k] for x in found) for k in ("sign", "strays", "letters")}
        known = {
            k: statistics.fmean(statistics.fmean(x[k].values()) for x in found)
            for k in ("before", "after")
        }
        table[str(count)] = {**signs, **known, "longest_s": max(x["seconds"] for x in found)}
    return table


def main() -> int:
    args = asked(options(__doc__ or ""), [SOURCE])
    rows = measure(args.data, args.others, args.counts, args.seeds, args.starter)
    said = circumstances(shlex.join(["python", "benchmarks/new_sign.py", *sys.argv[1:]]))
    save("new_sign", {**said, "mean": means(rows), "rows": rows})
    print(json.dumps(means(rows), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
