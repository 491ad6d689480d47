"""What others do with a folder of pictures, each stage timed: the rivals of `fingerspell prepare`.

    python benchmarks/prepare/contenders.py plain FOLDER

Prints one JSON line of seconds a stage. Imports nothing of Fingerspell but for `examine`, so that
it also runs in another library's environment. Every contender opens all the pictures it is given.

* `examine`: our scan, full decoding, SHA-256, 128-bit dHash, light, sharpness, skin tone.
* `plain`: the loop that people write, one process: Pillow's `verify`, conversion to RGB, SHA-256,
  an 8×8 dHash; then every pair of a class compared, joined to groups, split by group, and copied.
* `imagededup`: `DHash().encode_images` with its own processes, then `find_duplicates` at distance
  10 among the first 5,000 hashes only: its cost is quadratic. No classes, no split.
* `cleanvision`: `find_issues` for exact and near duplicates, with its own processes.
"""

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


def watch() -> Callable[[], float]:
    """Returns what tells the seconds since it was last called."""
    times = [time.perf_counter()]
    return lambda: times.append(time.perf_counter()) or round(times[-1] - times[-2], 3)


def examine(folder: Path) -> Stages:
    """Our own validation and hashing."""
    from fingerspell.prepare.examine import examine as examine_all
    from fingerspell.prepare.scan import scan

    passed = watch()
    pictures, bad = examine_all(scan([folder]).records)
    return {"validate_hash_s": passed(), "pictures": len(pictures), "bad": len(bad)}


def plain(folder: Path) -> Stages:
    """Pillow, one process."""
    import numpy as np
    from PIL import Image

    passed = watch()
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
        small = np.asarray(rgb.convert("L").resize((9, 8)))
        hashes.append(np.packbits(small[:, 1:] > small[:, :-1]).view(np.uint64)[0])
        paths.append(path)
    validated = passed()
    words = np.array(hashes)
    groups = list(range(len(paths)))
    for label in {path.parent.name for path in paths}:
        own = [i for i, path in enumerate(paths) if path.parent.name == label]
        for place, one in enumerate(own):
            others = own[place + 1 :]
            near = np.bitwise_count(words[others] ^ words[one]) <= NEAR_BITS
            for other in np.nonzero(near)[0]:
                groups[root(groups, others[other])] = root(groups, one)
    compared = passed()
    roots = [root(groups, i) for i in range(len(paths))]
    with tempfile.TemporaryDirectory(dir=folder.parent) as target:
        copy_split(paths, roots, Path(target))
        copied = passed()
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

    passed = watch()
    method = DHash(verbose=False)
    hashes = method.encode_images(image_dir=str(folder), recursive=True)
    encoded = passed()
    some = dict(list(hashes.items())[:SEARCHED])
    method.find_duplicates(encoding_map=some, max_distance_threshold=NEAR_BITS)
    return {
        "validate_hash_s": encoded,
        "pictures": len(hashes),
        f"groups_of_{len(some)}_s": passed(),
    }


def cleanvision(folder: Path) -> Stages:
    """cleanvision's MD5 and perceptual hash, and its sets of equal hashes."""
    from cleanvision import Imagelab

    passed = watch()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues({"exact_duplicates": {}, "near_duplicates": {}}, verbose=False)
    return {"validate_hash_groups_s": passed(), "pictures": len(lab.issues)}


CONTENDERS: dict[str, Callable[[Path], Stages]] = {
    "examine": examine,
    "plain": plain,
    "imagededup": imagededup,
    "cleanvision": cleanvision,
}


if __name__ == "__main__":
    print(json.dumps(CONTENDERS[sys.argv[1]](Path(sys.argv[2]))))
