"""Makes a result of what `unseen_signers_levers.py` wrote where there is a card and no Keras.

    python benchmarks/levers_of_card.py CARD/levers.json

Saves `benchmarks/results/unseen_signers_levers.json`: the figures, and what every result carries. The
commit is this tree's, so call it in the one that the card's code came from.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from unseen_signers_levers import RECIPE, SEEDS

from circumstances import circumstances, save

COMMAND = (
    "python benchmarks/unseen_signers_levers.py --network IMAGENET.npz --data ../shared/data "
    "--row_s 11 --budget_s 440"
)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("written", type=Path)
    parser.add_argument("--command", default=COMMAND, help="that it was written by")
    parser.add_argument("--python", default="3.12.3", help="where the figures do not say it")
    args = parser.parse_args(argv)
    try:
        card = json.loads(args.written.read_text(encoding="utf-8"))
        missing = {"device", "torch", "trials"} - card.keys()
    except (OSError, ValueError) as error:
        parser.error(f"{args.written} is not what unseen_signers_levers.py writes: {error}")
    if missing:
        parser.error(
            f"{args.written} is not what unseen_signers_levers.py writes: without {missing}"
        )
    said = circumstances(args.command)
    said["machine"] = {**said["machine"], "processor": card["device"], "cores": 16}
    said["versions"] = {"python": card.get("python", args.python), "torch": card["torch"]}
    recipe = [f"{RECIPE}, {seed}" for seed in SEEDS]
    print(f"saved {save('unseen_signers_levers', {**said, 'recipe': recipe, 'card': card})}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
