"""What finding near hashes costs at 10,000 to 1,000,000, and what the quick search misses.

    python benchmarks/prepare/search.py [--sizes 10000 100000 1000000] [--exact_up_to 100000]

The hard case: all hashes lie in one class of one source. Seven in ten are frames of videos of
24–100 frames whose bits drift slowly or quickly, two in ten are single pictures, one in ten is
nearly blank; all are shuffled. Each size runs in a process of its own, so that its peak memory is
its own. Saves `benchmarks/results/prepare_search.json`.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.measured import answer_of
from benchmarks.prepare.tables import search as search_table
from fingerspell.machine import peak_memory_bytes
from fingerspell.prepare.groups import connect
from fingerspell.prepare.near_duplicates import BITS, Words, every_pair, near_pairs, tables

SIZES = (10_000, 100_000, 1_000_000)
NEAR_BITS = 18
TARGETS = {"hashes": 1_000_000, "wall_s": 120.0, "peak_bytes": 2_000_000_000}

Bits = NDArray[np.bool_]


def draw(count: int, seed: int = 0) -> Words:
    """Returns `count` hashes (N, 2) of one class: videos, single pictures, nearly blank ones.

    Bits lean the same way all over the class, as they do where every picture shows a hand in the
    middle: unrelated hashes lie about 45 `near_bits` apart, as in real classes.
    """
    rng = np.random.default_rng(seed)
    lean = rng.beta(2.0, 2.0, BITS)
    blank, single = count // 10, count // 5
    parts = [_blank(blank, rng), rng.random((single, BITS)) < lean]
    left = count - blank - single
    while left > 0:
        frames = min(left, int(rng.integers(24, 101)))
        parts.append(_video(frames, lean, rng))
        left -= frames
    bits = np.concatenate(parts)[rng.permutation(count)]
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


def _blank(count: int, rng: np.random.Generator) -> Bits:
    """Hashes with at most eight bits set, many of them equal."""
    bits = np.zeros((count, BITS), np.bool_)
    for _ in range(8):
        bits[np.arange(count), rng.integers(0, BITS, count)] |= rng.random(count) < 0.6
    return bits


def _video(frames: int, lean: NDArray[np.float64], rng: np.random.Generator) -> Bits:
    """One to eight of 20–70 unsteady bits turn over from each frame to the next."""
    first = rng.random(BITS) < lean
    unsteady = rng.permutation(BITS)[: int(rng.integers(20, 70))]
    turned = rng.random((frames, len(unsteady))) < rng.choice([1, 2, 4, 8]) / len(unsteady)
    turned[0] = False
    flips = np.zeros((frames, BITS), np.bool_)
    flips[:, unsteady] = np.bitwise_xor.accumulate(turned, axis=0)
    bits: Bits = first ^ flips
    return bits


def measure(count: int, exact: bool) -> dict[str, Any]:
    """Returns the cost of `near_pairs` and `connect` on `count` hashes, and what they miss."""
    hashes = draw(count)
    before, started = os.times(), time.perf_counter()
    pairs = near_pairs(hashes, NEAR_BITS)
    searched = time.perf_counter()
    groups = connect(count, pairs)
    done, after = time.perf_counter(), os.times()
    figures: dict[str, Any] = {
        "hashes": count,
        "search_s": round(searched - started, 2),
        "connect_s": round(done - searched, 2),
        "cpu_s": round(sum(after[:2]) - sum(before[:2]), 2),
        "peak_bytes": peak_memory_bytes(),
        "pairs": len(pairs),
        "groups": len(np.unique(groups)),
    }
    if exact:
        started = time.perf_counter()
        truth = every_pair(hashes, NEAR_BITS)
        figures["every_pair_s"] = round(time.perf_counter() - started, 2)
        if truth is not None:
            quick, exact_groups = connect(count, tables(hashes, NEAR_BITS)), connect(count, truth)
            joined = quick[truth[:, 0]] == quick[truth[:, 1]]
            figures["tables"] = {
                "joined_pairs": round(float(joined.mean()), 6),
                "groups": len(np.unique(quick)),
                "true_groups": len(np.unique(exact_groups)),
            }
    return figures


def main(argv: list[str] | None = None) -> int:
    """Measures every size, saves the JSON, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--exact_up_to", type=int, default=100_000)
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--exact", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.only:
        print(json.dumps(measure(args.only, args.exact)))
        return 0
    rows = [
        answer_of(__file__, "--only", str(count), *["--exact"] * (count <= args.exact_up_to))
        for count in args.sizes
    ]
    figures = {"near_bits": NEAR_BITS, "targets": TARGETS, "sizes": rows}
    record("prepare_search", "prepare/search", argv, figures)
    print("\n".join(search_table()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
