"""The released recogniser's model card, written from its contract, measurements and catalogue.

    python benchmarks/release/model_card.py

Fills the template beside this file and writes `src/fingerspell/assets/starter/model_card.md`. How
the released weights came about stands in the template: rewrite it with each release.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.release.catalogue import RELEASE, table, used_for
from benchmarks.release.unseen_tables import fairness_table, source_table, target_table
from benchmarks.tables import Figures, percent, read

STARTER = Path(__file__).resolve().parents[2] / "src" / "fingerspell" / "assets" / "starter"

ANEW = "calibrated anew"
"""How the weights' origin begins to say that temperature and threshold were learnt again."""

TEMPLATE = Path(__file__).with_suffix(".md")


def card(figures: Figures, contract: Figures) -> str:
    """Returns the card from the saved `unseen_signers` and the bundle's `recogniser.json`."""
    origin, pairs = contract["origin"], figures["pairs_mean"]["unseen_signers"]
    return TEMPLATE.read_text(encoding="utf-8").format(
        classes=len(contract["labels"]),
        height=contract["height_px"],
        width=contract["width_px"],
        threshold=contract["threshold"],
        finished=origin.get("finished", "?")[:10],
        commit=origin.get("commit", "?"),
        calibrated=calibrated(origin["weights_origin"]),
        measured=figures["commit"],
        sources="\n".join(table(used_for(RELEASE), with_use=False)),
        table="\n".join(source_table(figures["unseen_signers"], figures["unseen_signers_mean"])),
        targets="\n".join(target_table(figures)),
        fairness="\n".join(fairness_table(figures["fairness"])),
        ij=percent(pairs["I/J"]["either"]),
        dz=percent(pairs["D/Z"]["either"]),
        one=percent(figures["digit_one"]["accepted"]),
        non_letters=percent(figures["non_letters"]["accepted"]),
    )


def calibrated(weights_origin: str) -> str:
    """Returns when temperature and threshold were learnt again; nothing where they were not."""
    last = weights_origin.split("; ")[-1]
    return f";\n{last}" if last.startswith(ANEW) else ""


def released_card() -> str:
    """Returns the card of what is released."""
    contract = json.loads((STARTER / "recogniser.json").read_text(encoding="utf-8"))
    return card(read("unseen_signers"), contract)


if __name__ == "__main__":
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    (STARTER / "model_card.md").write_text(released_card(), encoding="utf-8", newline="\n")
