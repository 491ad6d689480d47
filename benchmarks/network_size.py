"""Does a recogniser that takes 200 × 200 pixels and sees them at 160 read as well as one of 160?

    python benchmarks/network_size.py --data ../shared/data

The released weights in four graphs, half precision, LiteRT, one thread: letters read of six
sources, 150 evenly spaced pictures of the 24 static letters each, unchanged and in the middle of a
grey picture at half and a third of their size; and the time of an answer, in turn.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.circumstances import record
from benchmarks.speed.answer_time import median_ms
from fingerspell import images
from fingerspell.evaluate.unseen_signers import find_unseen_signers
from fingerspell.export.tflite import convert
from fingerspell.files import evenly_spaced
from fingerspell.images.decode import read as decoded
from fingerspell.labels import STATIC_LETTERS
from fingerspell.model import single_view, with_views
from fingerspell.model.hand_crop import hand_box_of
from fingerspell.model.weights import build_starter, with_released_views
from fingerspell.runtime import STARTER, read_contract
from fingerspell.runtime.recogniser import Pool

SOURCES = (
    "kaggle_alphabet", "four_signers", "silhouette", "lowres_dark", "webcam_green", "lilac_wall",
)  # fmt: skip
SHARES = {"unchanged": 1.0, "half": 1 / 2, "third": 1 / 3}
PICTURES, ROUNDS = 150, 9
OLD, NEW = (160, 160), (200, 200)


def smaller(rgb: np.ndarray, share: float) -> np.ndarray:
    """Returns a picture of the same square size that holds the old one smaller, on grey."""
    if share == 1:
        return rgb
    height, width = rgb.shape[:2]
    side = max(height, width)
    tall, wide = max(1, round(share * height)), max(1, round(share * width))
    out = np.full((side, side, 3), 128, np.uint8)
    top, left = (side - tall) // 2, (side - wide) // 2
    less = cv2.resize(rgb, (wide, tall), interpolation=cv2.INTER_AREA)
    out[top : top + tall, left : left + wide] = less
    return out


def graphs() -> dict[str, tuple[Pool, tuple[int, int]]]:
    """Returns each graph and the size of its pictures."""
    network = build_starter(read_contract(STARTER).labels)
    both = with_views(network, NEW, hand_box_of(with_released_views(network)))
    contents = {
        "as_released": ((STARTER / "model_fp16.tflite").read_bytes(), OLD),
        "sees_160": (convert(both, "fp16"), NEW),
        "single_view_of_160": (convert(network, "fp16"), OLD),
        "single_view_sees_160": (convert(single_view(both), "fp16"), NEW),
    }
    return {name: (Pool(x, threads=1, most=1), size) for name, (x, size) in contents.items()}


def read(asked: dict[str, Any], folder: Path) -> dict[str, dict[str, float]]:
    """Returns the share of letters that each graph reads of a source, by size."""
    labels = read_contract(STARTER).labels
    found = find_unseen_signers(folder, labels)
    static = [i for i, y in enumerate(found.y_true) if labels[y] in STATIC_LETTERS]
    chosen = evenly_spaced(static, PICTURES)
    truth, pictures = found.y_true[chosen], [decoded(found.paths[i]) for i in chosen]
    shares: dict[str, dict[str, float]] = {}
    for name, share in SHARES.items():
        changed = [smaller(rgb, share) for rgb in pictures]
        fitted = {size: np.stack([images.fit(x, size) for x in changed]) for size in (OLD, NEW)}
        answers = {graph: pool.run(fitted[size]) for graph, (pool, size) in asked.items()}
        shares[name] = {k: float((x.argmax(axis=1) == truth).mean()) for k, x in answers.items()}
    return shares


def times(asked: dict[str, Any]) -> dict[str, Any]:
    """Returns the median milliseconds of an answer, and the rounds' ratios to `as_released`."""
    rng = np.random.default_rng(0)
    pictures = {name: rng.random((1, *size, 3), np.float32) for name, (_, size) in asked.items()}
    rounds = [
        {
            name: median_ms(lambda p=pool, n=name: p.run(pictures[n]), 40)
            for name, (pool, _) in asked.items()
        }
        for _ in range(ROUNDS)
    ]
    return {
        "ms": {name: round(float(np.median([x[name] for x in rounds])), 2) for name in asked},
        "times_as_released": {
            name: round(float(np.median([x[name] / x["as_released"] for x in rounds])), 3)
            for name in asked
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    args = parser.parse_args()
    asked = graphs()
    sources = {name: read(asked, args.data / name) for name in SOURCES}
    mean = {
        share: {x: float(np.mean([s[share][x] for s in sources.values()])) for x in asked}
        for share in SHARES
    }
    figures = {
        "pictures_a_source": PICTURES,
        "mean": mean,
        "answer": times(asked),
        "sources": sources,
    }
    path = record("network_size", "network_size", None, figures)
    print(f"saved {path}", mean, figures["answer"], sep="\n")


if __name__ == "__main__":
    main()
