"""What others do with a folder of pictures, each stage timed: the rivals of `fingerspell prepare`.

    python benchmarks/contenders.py plain FOLDER

Prints one JSON line of seconds a stage. Imports nothing of Fingerspell but for `examine`, so that
it also runs in another library's environment. Every contender opens all the pictures it is given.

* `examine`: our validation and hashing alone: scan, decode in full, SHA-256, 128-bit dHash, light,
  sharpness, skin tone.
* `plain`: the loop that people write, one process: Pillow's `verify`, then open and convert to
  RGB, SHA-256 of the bytes, an 8×8 dHash; then every pair of a class compared (NumPy, a row at a
  time), joined to groups, split by group, and the files copied.
* `imagededup`: `DHash().encode_images` with its own processes, then `find_duplicates` at distance
  10 among the first 5,000 hashes only: its cost is quadratic, an hour for 87,000. It validates as
  far as it decodes, takes no account of classes, and does not split.
* `cleanvision`: `find_issues` for exact and near duplicates, with its own processes.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEAR_BITS = 10
SEARCHED = 5_000
SPLITS = ("train", "val", "test")
Stages = dict[str, Any]


class Watch:
    """Seconds since the last look."""

    def __init__(self) -> None:
        self._then = time.perf_counter()

    def __call__(self) -> float:
        now = time.perf_counter()
        passed, self._then = now - self._then, now
        return round(passed, 3)


def examine(folder: Path) -> Stages:
    """Our own validation and hashing."""
    from fingerspell.prepare.examine import examine as examine_all
    from fingerspell.prepare.scan import scan

    watch = Watch()
    pictures, bad = examine_all(scan([folder]).files)
    return {"validate_hash_s": watch(), "pictures": len(pictures), "bad": len(bad)}


def plain(folder: Path) -> Stages:
    """Pillow, one process."""
    import numpy as np
    from PIL import Image

    watch = Watch()
    paths, digests, hashes = [], [], []
    for path in sorted(folder.glob("*/*")):
        try:
            with Image.open(path) as image:
                image.verify()
            with Image.open(path) as image:
                rgb = image.convert("RGB")
        except OSError:
            continue
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        cells = np.asarray(rgb.convert("L").resize((9, 8)))
        hashes.append(np.packbits(cells[:, 1:] > cells[:, :-1]).view(np.uint64)[0])
        paths.append(path)
    validated = watch()
    words = np.array(hashes)
    groups = list(range(len(paths)))
    for label in {path.parent.name for path in paths}:
        own = [i for i, path in enumerate(paths) if path.parent.name == label]
        for place, one in enumerate(own):
            others = own[place + 1 :]
            near = np.bitwise_count(words[others] ^ words[one]) <= NEAR_BITS
            for other in np.nonzero(near)[0]:
                groups[root(groups, others[other])] = root(groups, one)
    compared = watch()
    roots = [root(groups, i) for i in range(len(paths))]
    with tempfile.TemporaryDirectory(dir=folder.parent) as target:
        copy_split(paths, roots, Path(target))
        copied = watch()
    return {
        "validate_hash_s": validated,
        "groups_s": compared,
        "split_write_s": copied,
        "pictures": len(paths),
        "groups": len(set(roots)),
        "distinct": len(set(digests)),
    }


def root(groups: list[int], item: int) -> int:
    """Follows links to the end, shortening them."""
    while groups[item] != item:
        groups[item] = groups[groups[item]]
        item = groups[item]
    return item


def copy_split(paths: list[Path], roots: list[int], target: Path) -> None:
    """Copies every picture into train, val or test, a whole group at a time."""
    names = sorted(set(roots))
    random.Random(0).shuffle(names)
    home = {
        group: SPLITS[(place >= 0.7 * len(names)) + (place >= 0.85 * len(names))]
        for place, group in enumerate(names)
    }
    for path, group in zip(paths, roots, strict=True):
        folder = target / home[group] / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, folder / path.name)


def imagededup(folder: Path) -> Stages:
    """imagededup's difference hash and its search."""
    from imagededup.methods import DHash

    watch = Watch()
    method = DHash(verbose=False)
    hashes = method.encode_images(image_dir=str(folder), recursive=True)
    encoded = watch()
    some = dict(list(hashes.items())[:SEARCHED])
    method.find_duplicates(encoding_map=some, max_distance_threshold=NEAR_BITS)
    return {
        "validate_hash_s": encoded,
        "pictures": len(hashes),
        f"groups_of_{len(some)}_s": watch(),
    }


def cleanvision(folder: Path) -> Stages:
    """cleanvision's MD5 and perceptual hash, and its sets of equal hashes."""
    from cleanvision import Imagelab

    watch = Watch()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    return {"validate_hash_groups_s": watch(), "pictures": len(lab.issues)}


CONTENDERS: dict[str, Callable[[Path], Stages]] = {
    "examine": examine,
    "plain": plain,
    "imagededup": imagededup,
    "cleanvision": cleanvision,
}


def main() -> int:
    print(json.dumps(CONTENDERS[sys.argv[1]](Path(sys.argv[2]))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
