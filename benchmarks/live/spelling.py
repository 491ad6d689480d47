"""How well do the live rules write what unseen signers spell?

    python benchmarks/live/spelling.py --data ../shared/data

Composes and reads the streams that are not there yet (`streams.py`), and runs every rule of
`rules.py` over them. Half of the sources tune, the other half reports. Saves
`benchmarks/results/live.json`.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.live.measure import known_borders, measured, shown
from benchmarks.live.rules import RULES, WITH_WORDS
from benchmarks.live.scripts import MINUTES
from benchmarks.live.stream import load
from benchmarks.live.streams import HALVES, made, needed
from benchmarks.release.catalogue import require_sources


def figures(paths: list[Path], labels: tuple[str, ...]) -> dict[str, Any]:
    """Returns for each half what there is, the floor with known borders, and every rule."""
    out = {}
    for half in HALVES:
        streams = [s for path in paths if path.name.startswith(half) for s in load(path)]
        each = {name: measured(streams, labels, rule) for name, rule in RULES.items()}
        each[WITH_WORDS] |= {"delay_s": None, "minutes": dict.fromkeys(MINUTES)}
        out[half] = {"streams": shown(streams), "rules": each}
        out[half]["floor"] = {**measured(streams, labels, known_borders), "delay_s": None}
    return out


def main() -> None:
    from fingerspell.runtime import STARTER, read_contract

    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--recogniser", type=Path, default=STARTER, help="bundle")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--name", default="live", help="of the result file")
    args = parser.parse_args()
    require_sources(parser, args.data, needed())
    contract = read_contract(args.recogniser)
    found = figures(made(args.data, args.recogniser, args.processes), contract.labels)
    path = record(args.name, "live/spelling", None, {"threshold": contract.threshold, **found})
    for name, told in found["report"]["rules"].items():
        print(f"{name}: {100 * told['letters_wrong']:.1f} % of letters wrong")
    print(f"saved {path}")


if __name__ == "__main__":
    main()
