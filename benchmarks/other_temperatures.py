"""Could another temperature make the released recogniser's answers as sure as they are right?

    python benchmarks/other_temperatures.py --data ../shared/data

Reads ten sources with the released bundle and applies one temperature after the other to its
answers: calibration error, how surely a source is answered and how often rightly, and how many
answers may be accepted where 97 % of them are to be right. Saves
`benchmarks/results/other_temperatures.json`.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from unseen_signers import answers

from circumstances import circumstances, save
from source_names import STRANGERS, STUDY_ONLY, require_sources

TEMPERATURES = (0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3)
THRESHOLDS = tuple(round(0.5 + 0.01 * step, 2) for step in range(50))
RIGHT = 0.97

Read = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""source → classes (N,) and probabilities (N, C)."""


def accepted_at(read: Read, threshold: float) -> tuple[float, float]:
    """Returns the share of answers accepted and of these right, means over sources."""
    shares, right = [], []
    for truth, shown in read.values():
        sure = shown.max(axis=1) >= threshold
        shares.append(sure.mean())
        right.append((shown.argmax(axis=1) == truth)[sure].mean() if sure.any() else 1.0)
    return float(np.mean(shares)), float(np.mean(right))


def at(read: Read, temperature: float, threshold: float) -> dict[str, Any]:
    """Returns what a temperature makes of some sources' answers."""
    from fingerspell.evaluate.calibration import apply_temperature, expected_calibration_error

    scaled = {name: (y, apply_temperature(p, temperature)) for name, (y, p) in read.items()}
    errors = [expected_calibration_error(y, p) or 0.0 for y, p in scaled.values()]
    accepted, right = accepted_at(scaled, threshold)
    reached = [accepted_at(scaled, bar) for bar in THRESHOLDS]
    enough = [share for share, found in reached if found >= RIGHT]
    return {
        "calibration_error": statistics.fmean(errors),
        "accepted": accepted,
        "accepted_right": right,
        "most_accepted": max(enough, default=0.0),
        "too_sure": {
            name: float(p.max(axis=1).mean() - (p.argmax(axis=1) == y).mean())
            for name, (y, p) in scaled.items()
        },
    }


def read_all(recogniser: Any, data: Path, names: Sequence[str]) -> Read:
    """Returns the classes and answers of some sources."""
    from fingerspell.evaluate.unseen_signers import find_unseen_signers

    found = {name: find_unseen_signers(data / name, recogniser.labels) for name in names}
    return {name: (x.y_true, answers(recogniser, x.paths)) for name, x in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    args = parser.parse_args()
    require_sources(parser, args.data)

    from fingerspell.runtime import STARTER, Recogniser

    recogniser = Recogniser.load(STARTER)
    groups = {"studied": STUDY_ONLY, "unseen_signers": STRANGERS}
    read = {group: read_all(recogniser, args.data, names) for group, names in groups.items()}
    rows = [
        {"temperature": x, **{g: at(read[g], x, recogniser.threshold) for g in groups}}
        for x in TEMPERATURES
    ]
    said = circumstances(f"python benchmarks/other_temperatures.py --data {args.data}")
    told = {"threshold": recogniser.threshold, "right": RIGHT, "rows": rows}
    print(f"saved {save('other_temperatures', {**said, **told})}")


if __name__ == "__main__":
    main()
