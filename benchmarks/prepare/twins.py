"""From how many bits on a copy in another source is found, and unrelated pictures are joined.

    python benchmarks/prepare/twins.py [--data ../shared/data] [--copies 1500]

* `sources`: pairs of pictures of one class in two sources of other people and rooms, and how many
  of them are near. `hands on black`: the same for pairs of `massey`'s hands.
* `copies`: pictures picked from all sources, scaled and saved again; the share that is found.

Saves `benchmarks/results/prepare_twins.json`.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.prepare import tables
from fingerspell.images import decode, encode_jpeg
from fingerspell.prepare.examine import Picture, content, examine
from fingerspell.prepare.near_duplicates import TWIN_SHARE, dhash, distance, every_pair, words
from fingerspell.prepare.scan import scan

BITS = (6, 9, 12, 18)
NEAR_BITS = 18
SAVED_AGAIN = ((1.0, 60), (0.5, 85), (0.73, 75), (1.5, 90), (0.5, 50), (1.0, 30))
"""How often the width, and the JPEG quality."""


def unrelated(pictures: Sequence[Picture], owners: Sequence[str]) -> dict[str, Any]:
    """Returns how many pairs of one class and two owners there are, and how many are near."""
    classes: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(pictures):
        classes[picture.file.label].append(index)
    pairs, near = 0, dict.fromkeys(BITS, 0)
    for members in classes.values():
        hashes = words([pictures[i].dhash for i in members])
        names, who = np.unique([owners[i] for i in members], return_inverse=True)
        counts = np.bincount(who, minlength=len(names))
        pairs += int(counts.sum() ** 2 - (counts**2).sum()) // 2
        found = every_pair(hashes, max(BITS))
        found = found[who[found[:, 0]] != who[found[:, 1]]]
        apart = distance(hashes[found[:, 0]], hashes[found[:, 1]])
        for bits in BITS:
            near[bits] += int((apart <= bits).sum())
    return {"pairs": pairs, "near": {str(bits): count for bits, count in near.items()}}


def copies(pictures: Sequence[Picture], count: int) -> dict[str, dict[str, float]]:
    """Returns the share of copies that are found, by how they were made and by bits."""
    chosen = np.random.default_rng(0).choice(len(pictures), min(count, len(pictures)), False)
    apart: dict[str, list[float]] = defaultdict(list)
    for picture in (pictures[i] for i in chosen):
        rgb = decode(content(picture.file))
        for scale, quality in SAVED_AGAIN:
            size = tuple(max(8, round(side * scale)) for side in rgb.shape[1::-1])
            scaled = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
            again = words([dhash(decode(encode_jpeg(scaled, quality)))])
            far = float(distance(words([picture.dhash]), again)[0])
            apart[f"width × {scale:g}, JPEG {quality}"].append(far)
    return {
        how: {str(bits): round(float((np.asarray(far) <= bits).mean()), 4) for bits in BITS}
        for how, far in apart.items()
    }


def main(argv: list[str] | None = None) -> int:
    """Measures, saves the JSON, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--copies", type=int, default=1500)
    args = parser.parse_args(argv)
    folders = sorted(folder for folder in args.data.iterdir() if folder.is_dir())
    pictures, _ = examine(scan(folders).records)
    black = [p for p in pictures if p.file.source == "massey"]
    figures = {
        "twin_bits": round(TWIN_SHARE * NEAR_BITS),
        "pictures": len(pictures),
        "sources": unrelated(pictures, [p.file.source for p in pictures]),
        "hands on black": unrelated(black, [p.file.path.name[:5] for p in black]),
        "copies": copies(pictures, args.copies),
    }
    record("prepare_twins", "prepare/twins", argv, figures)
    print("\n".join(tables.twins()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
