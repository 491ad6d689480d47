"""Reads unseen signers with each end of a training on the card, and with means of ends.

    python benchmarks/ends_of_card.py --data ../shared/data --card CARD --start START.npz

With one look, at the picture size named before each: `160:usual`, `160:usual+wide` for a mean;
`start` is where the training began. The five sources that may only be studied are read to choose
by; the five `dev_` sources beside them choose nothing. Saves
`benchmarks/results/ends_of_card.json`, or `--name`.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from circumstances import circumstances, save
from fingerspell.config import ModelConfig
from fingerspell.labels import ALPHABET
from fingerspell.model import build_recogniser
from reading import packaged, unseen_signers
from run_of_card import CARD, fill, mean_of
from source_names import STRANGERS, STUDY_ONLY

START = "start"
WAYS = "usual+photos+strong+mild+wide"
ENDS = (
    "160:start", "160:usual", "160:photos", "160:strong", "160:mild", "160:wide", "192:wide",
    "160:again", f"160:{WAYS}", f"160:{WAYS}+again", f"160:start+{WAYS}+again",
)  # fmt: skip


def read(end: str, card: Path, start: Path, data: Path) -> dict[str, Any]:
    """Returns the accuracy of one end, or of the mean of several, on each source."""
    side, names = end.split(":")
    files = [start if name == START else card / f"{name}.npz" for name in names.split("+")]
    size_px = (int(side), int(side))
    model = build_recogniser(ModelConfig(weights="none", image_size_px=size_px), len(ALPHABET))
    fill(model, mean_of(files))
    network = packaged(model)
    groups = {"studied": STUDY_ONLY, "unseen_signers": STRANGERS}
    return {
        "end": end,
        **{
            group: unseen_signers(network, data, ALPHABET, size_px, names)
            for group, names in groups.items()
        },
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("ends", nargs="*", default=list(ENDS))
    add("--data", type=Path, default=Path("../shared/data"))
    add("--card", type=Path, required=True, help="folder of the ends and card.json")
    add("--start", type=Path, required=True, help="where the training began")
    add("--name", default="ends_of_card", help="of the file in benchmarks/results")
    args = parser.parse_args(argv)
    named = {x for end in args.ends for x in end.partition(":")[2].split("+")}
    files = [args.start if x == START else args.card / f"{x}.npz" for x in sorted(named)]
    if missing := [path for path in (args.card / CARD, *files) if not path.is_file()]:
        parser.error(f"no file {', '.join(map(str, missing))}")
    told = json.loads((args.card / CARD).read_text(encoding="utf-8"))
    given = sys.argv[1:] if argv is None else argv
    said = circumstances(shlex.join(["python", "benchmarks/ends_of_card.py", *given]))
    rows = []
    for end in args.ends:
        rows.append(read(end, args.card, args.start, args.data))
        print(
            end, *(f"{rows[-1][x]['mean_letters_24']:.4f}" for x in ("studied", "unseen_signers"))
        )
        path = save(args.name, {**said, "card": told, "ends": rows})
    print(f"saved {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
