"""Do other views of the same picture help to read unseen signers? The released network, one look.

    python benchmarks/other_views.py --data ../shared/data

Reads at most `MOST` pictures of each of ten sources as they are, mirrored, in tighter and looser
crops, turned, without colour, with light and contrast made alike, sharpened and blurred; and the
mean answer of several of these.
Saves `benchmarks/results/other_views.json`.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from unseen_signers import OneLook, answers, as_they_are, mirrored, smaller

from circumstances import circumstances, save
from source_names import STRANGERS, STUDY_ONLY

MOST = 400
TURN_DEG = 8.0
BLUR_PX = 1.0
SHARPEN, SHARPEN_PX = 0.7, 1.5
MIDDLE, SPREAD = 0.48, 0.24
"""Of all values of a picture, about as in the pictures learnt from."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)

View = Callable[[np.ndarray], np.ndarray]
"""Pictures (N, h, w, 3) in [0, 1] → the same pictures, changed."""


def turned(degrees: float) -> View:
    """Returns a change: turned to the left, the edges carried on."""

    def change(batch: np.ndarray) -> np.ndarray:
        height, width = batch.shape[1:3]
        way = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
        edge = cv2.BORDER_REPLICATE
        return np.stack([cv2.warpAffine(x, way, (width, height), borderMode=edge) for x in batch])

    return change


def tighter(share: float) -> View:
    """Returns a change: the middle of each picture, so much of its sides, enlarged to all of it."""

    def change(batch: np.ndarray) -> np.ndarray:
        height, width = batch.shape[1:3]
        tall, wide = round(share * height), round(share * width)
        top, left = (height - tall) // 2, (width - wide) // 2
        middle = batch[:, top : top + tall, left : left + wide]
        return np.stack([cv2.resize(x, (width, height)) for x in middle])

    return change


def grey(batch: np.ndarray) -> np.ndarray:
    """Returns pictures without colour."""
    return np.repeat((batch @ LUMA)[..., None], 3, axis=3)


def white_balanced(batch: np.ndarray) -> np.ndarray:
    """Returns pictures whose three colours have the same mean (grey world)."""
    means = batch.mean(axis=(1, 2), keepdims=True)
    return np.clip(batch * (means.mean(axis=3, keepdims=True) / np.maximum(means, 1e-3)), 0, 1)


def even(batch: np.ndarray) -> np.ndarray:
    """Returns pictures of the same mean and the same contrast."""
    axes = (1, 2, 3)
    spread = np.maximum(batch.std(axis=axes, keepdims=True), 0.02)
    return np.clip((batch - batch.mean(axis=axes, keepdims=True)) / spread * SPREAD + MIDDLE, 0, 1)


def blurred(batch: np.ndarray) -> np.ndarray:
    return np.stack([cv2.GaussianBlur(x, (0, 0), BLUR_PX) for x in batch])


def sharpened(batch: np.ndarray) -> np.ndarray:
    soft = np.stack([cv2.GaussianBlur(x, (0, 0), SHARPEN_PX) for x in batch])
    return np.clip(batch + SHARPEN * (batch - soft), 0, 1)


VIEWS: Mapping[str, View] = {
    "as they are": as_they_are,
    "mirrored": mirrored,
    "tighter, 0.9 of the sides": tighter(0.9),
    "tighter, 0.8 of the sides": tighter(0.8),
    "looser, 0.9 of the size": smaller(0.9),
    "looser, 0.75 of the size": smaller(0.75),
    "turned left": turned(TURN_DEG),
    "turned right": turned(-TURN_DEG),
    "without colour": grey,
    "white balanced": white_balanced,
    "light and contrast alike": even,
    "sharpened": sharpened,
    "blurred": blurred,
}
TOGETHER: Sequence[tuple[str, ...]] = (
    *((name,) for name in VIEWS),
    *(("as they are", name) for name in tuple(VIEWS)[1:]),
    ("as they are", "turned left", "turned right"),
    tuple(VIEWS),
)


def some(paths: Sequence[Path]) -> np.ndarray:
    """Returns which pictures of a source are read: at most `MOST`, by lot but always the same."""
    return np.sort(np.random.default_rng(0).permutation(len(paths))[:MOST])


def one_source(network: Any, folder: Path) -> dict[str, float]:
    """Returns the share of 24 letters read right, by the views whose mean answer it is."""
    from fingerspell.evaluate.metrics import subset_accuracy
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.labels import STATIC_LETTERS

    found = find_unseen_signers(folder, network.labels)
    chosen = some(found.paths)
    paths, truth = [found.paths[i] for i in chosen], np.asarray(found.y_true)[chosen]
    seen = {name: answers(network, paths, view) for name, view in VIEWS.items()}
    return {
        " + ".join(names): subset_accuracy(
            truth, np.mean([seen[name] for name in names], axis=0), network.labels, STATIC_LETTERS
        )[0]
        for names in TOGETHER
    }


def measured(network: Any, data: Path) -> dict[str, Any]:
    """Returns each source's shares, and their means over both groups of sources."""
    groups = {"unseen_signers": STRANGERS, "studied": STUDY_ONLY}
    read = {
        group: {name: one_source(network, data / name) for name in names}
        for group, names in groups.items()
    }
    means = {
        f"{group}_mean": {
            views: statistics.fmean(source[views] for source in sources.values())
            for views in next(iter(sources.values()))
        }
        for group, sources in read.items()
    }
    return {"pictures_a_source": MOST, **read, **means}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    args = parser.parse_args()

    from fingerspell.runtime import STARTER, Recogniser

    network = OneLook.load(STARTER, Recogniser.load(STARTER))
    said = circumstances(f"python benchmarks/other_views.py --data {args.data}")
    print(f"saved {save('other_views', {**said, **measured(network, args.data)})}")


if __name__ == "__main__":
    main()
