"""`python -m fingerspell.cli.release RUN`: a maintainer makes a run the released recogniser."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fingerspell import backends

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HELP = "make a finished run the recogniser that the package brings with it"
_PER_CLASS = 8
"""Hands of each class, at least."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_dir", type=Path, help="folder of a finished training run")
    parser.add_argument("--card", type=Path, help="the model card (default: the run's own)")
    parser.add_argument("--target", type=Path, help="folder to fill (default: the package's)")


def run(args: argparse.Namespace) -> int:
    """Writes and proves the released files; prints sizes and nearness."""
    backends.require_known(os.environ)
    from fingerspell.export.release import release
    from fingerspell.runtime import STARTER, read_contract

    contract = read_contract(args.run_dir)
    pictures = _synthetic(contract.labels, (contract.height_px, contract.width_px))
    proof = release(args.run_dir, args.target or STARTER, pictures, args.card)
    print(json.dumps(proof, indent=2))
    return 0


def _synthetic(labels: tuple[str, ...], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Returns synthetic hands to compare on: nobody needs the run's pictures for it.

    Raises `ExportError` for labels of which none can be drawn.
    """
    import numpy as np

    from fingerspell.errors import ExportError
    from fingerspell.export import proof
    from fingerspell.export.parity import LEAST_PICTURES
    from fingerspell.labels import ALPHABET

    known = [label for label in labels if label in ALPHABET]
    if not known:
        raise ExportError(
            found=f"no label that can be drawn among {', '.join(labels[:3])} …",
            expected="letters of the alphabet: the release is compared on synthetic hands",
            fix="release a run on the usual labels",
        )
    hands = proof.hands(labels, size_px, max(_PER_CLASS * len(known), LEAST_PICTURES))
    return np.stack([*hands.values()]).astype(np.float32) / np.float32(255)


if __name__ == "__main__":
    from fingerspell.cli.main import door

    sys.exit(door("release"))
