"""Everything that is measured about `fingerspell prepare`, as tables and JSON.

    python benchmarks/prepare.py [speed] [search] [recall] [twins] [damage]

* `speed`: 87,000 pictures, beside what people use instead (prepare_speed.py)
* `search`: the search for near duplicates alone, up to a million hashes (prepare_search.py)
* `recall`: how many neighbouring frames it finds, and what it joins wrongly (prepare_recall.py)
* `twins`: copies in other sources, and unseen signers taken for one (prepare_twins.py)
* `damage`: thousands of damaged files (prepare_damage.py)

Without a name all of them run. Each saves `benchmarks/results/prepare_<name>.json`; each file takes
options of its own when it is run by itself.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence

PARTS = ("speed", "search", "recall", "twins", "damage")


def run(names: Sequence[str]) -> int:
    """Runs parts one after another; returns the first exit status that is not 0."""
    status = 0
    for name in names:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        own = importlib.import_module(f"prepare_{name}").main([])
        status = status or own
        print(f"{name} took {time.monotonic() - started:.0f} s\n", flush=True)
    return status


def main(argv: list[str] | None = None) -> int:
    """Reads which parts are wanted and runs them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args(argv).parts
    if unknown := [name for name in wanted if name not in PARTS]:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return run(wanted or PARTS)


if __name__ == "__main__":
    raise SystemExit(main())
