"""How well does the released recogniser read its own data set's test split, which leaks nothing?

    python benchmarks/release/sources.py --data ../shared/data --output build/release_sources
    fingerspell prepare --input_dir build/release_sources/* --output_dir dataset \\
        --train .88 --val .06 --test .06
    python benchmarks/release/own_test.py --dataset_dir dataset

Other films and photographs of the people whom it learnt from: of a group of near duplicates no two
pictures are in two splits. Another data set than that of the training is refused. Saves
`benchmarks/results/own_test.json`.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.release.unseen_signers import answers

if TYPE_CHECKING:
    from fingerspell.dataset.manifest import Manifest


def measured(recogniser: Any, manifest: "Manifest") -> dict[str, Any]:
    """Returns the share of the test split that is read right, as a whole and source by source."""
    samples = manifest.split("test")
    read = answers(recogniser, [manifest.absolute(s) for s in samples])
    said = np.array(recogniser.labels)[read.argmax(axis=1)]
    right = said == np.array([s.label for s in samples])
    sources = np.array([s.source for s in samples])
    each = {name: right[sources == name] for name in sorted(set(sources))}
    return {
        "pictures": len(samples),
        "groups": len({s.group for s in samples}),
        "accuracy": float(right.mean()),
        "sources": {
            name: {"pictures": len(own), "accuracy": float(own.mean())}
            for name, own in each.items()
        },
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset_dir", type=Path, default=Path("dataset"))
    args = parser.parse_args(argv)

    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.errors import DataError, PictureError
    from fingerspell.runtime import STARTER, Recogniser, read_contract

    try:
        manifest = read_manifest(args.dataset_dir)
    except DataError as error:
        parser.error(str(error))
    if manifest.sha256 != read_contract(STARTER).origin["manifest_sha256"]:
        parser.error(
            f"{args.dataset_dir} is not the data set that the released recogniser learnt from: "
            "make it as benchmarks/release/own_test.py says at its top"
        )
    try:
        found = measured(Recogniser.load(STARTER), manifest)
    except PictureError as error:
        parser.error(str(error))
    print(f"{found['accuracy']:.1%}: {record('own_test', 'release/own_test', argv, found)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
