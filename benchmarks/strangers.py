"""How well does a recogniser read people it has never seen, and does it know when it does not?

    python benchmarks/unseen signers.py --data ../shared/data

Reads five sources of other people and cameras with the released recogniser, or the run folder
named by `--recogniser`: every picture as it is; mirrored, which makes a right hand a left one; and
at half and at a third of its size in the middle of a grey one, as if the hand were so much farther
away. The same weights read all but the mirrored ones again with a single look. Digits that look
like no letter show how often it answers where it should be silent. What a still cannot tell, I from
J and D from Z or the digit 1, is reported apart.
Saves `benchmarks/results/unseen signers.json`, or `--name`; `benchmarks/pages.py` writes the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from circumstances import circumstances, save
from reading import BATCH
from source_names import STRANGERS, STUDY_ONLY
from starter_sources import is_learnt
from still_pairs import answered_as, named, pairs, pairs_mean

DIGITS = "digits_218"
LIKE_NO_LETTER = ("3", "5", "7", "8")
"""Of the digits: 0 looks like O, 2 like V, 6 like W, 9 like F, 1 like D and Z, 4 like B."""


def as_they_are(batch: np.ndarray) -> np.ndarray:
    """Returns the pictures (N, h, w, 3) themselves."""
    return batch


def mirrored(batch: np.ndarray) -> np.ndarray:
    """Returns the pictures of the other hand."""
    return np.ascontiguousarray(batch[:, :, ::-1])


def smaller(share: float) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a change: pictures so much smaller, in the middle of grey ones."""

    def change(batch: np.ndarray) -> np.ndarray:
        height, width = batch.shape[1:3]
        tall, wide = round(share * height), round(share * width)
        above, before = (height - tall) // 2, (width - wide) // 2
        out = np.full_like(batch, 0.5)
        for picture, whole in zip(out, batch, strict=True):
            less = cv2.resize(whole, (wide, tall), interpolation=cv2.INTER_AREA)
            picture[above : above + tall, before : before + wide] = less
        return out

    return change


CHANGES = {
    "letters_24": as_they_are,
    "mirrored_24": mirrored,
    "farther_24": smaller(1 / 2),
    "third_24": smaller(1 / 3),
}
ONCE = ("letters_24", "farther_24", "third_24")
"""What the same weights read again with a single look."""


def answers(
    recogniser: Any, paths: Sequence[Path], change: Callable[[np.ndarray], np.ndarray] = as_they_are
) -> np.ndarray:
    """Returns the probabilities (N, C) for pictures that were changed."""
    from fingerspell.loading.loader import evaluation_stream

    batches = evaluation_stream(paths, recogniser.size_px, BATCH)
    return np.concatenate([recogniser.probabilities(change(x)) for x in batches])


@dataclass(frozen=True, slots=True)
class OneLook:
    """A recogniser's weights in a network that looks once."""

    network: Any
    labels: Sequence[str]
    size_px: tuple[int, int]

    @classmethod
    def load(cls, folder: Path, recogniser: Any) -> OneLook:
        """Reads the weights of a run folder, or those that were released."""
        import keras

        from fingerspell.model import head_of, load_recogniser
        from fingerspell.model.build import feature_network
        from fingerspell.model.weights import build_starter

        if (folder / "model.keras").is_file():
            model = load_recogniser(folder / "model.keras")
            front = feature_network(model)
            network = keras.Model(front.input, head_of(model)(front.output))
        else:
            network = build_starter(recogniser.labels, folder)
        return cls(network, recogniser.labels, recogniser.size_px)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        return np.asarray(self.network.predict_on_batch(batch))


def one_source(recogniser: Any, once: Any, folder: Path) -> dict[str, Any]:
    """Returns everything that is said of one source; `once` has the same weights and looks once."""
    from fingerspell.evaluate import evaluation
    from fingerspell.evaluate.metrics import subset_accuracy
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.labels import STATIC_LETTERS

    found = find_unseen_signers(folder, recogniser.labels)
    read = {name: answers(recogniser, found.paths, change) for name, change in CHANGES.items()}
    alone = {name: answers(once, found.paths, CHANGES[name]) for name in ONCE}
    labels = recogniser.labels
    report = evaluation(found.y_true, read["letters_24"], labels, threshold=recogniser.threshold)

    def right(by: dict[str, np.ndarray]) -> dict[str, float]:
        return {
            name: subset_accuracy(found.y_true, x, labels, STATIC_LETTERS)[0]
            for name, x in by.items()
        }

    return {
        "pictures": report["pictures"],
        "accuracy": report["test_accuracy"],
        "letters_26": report["letters_26"]["accuracy"],
        **right(read),
        **{f"once_{name}": share for name, share in right(alone).items()},
        "calibration_error": report["calibration"]["expected_calibration_error"],
        "accepted": report["acceptance"]["coverage"],
        "accepted_right": report["acceptance"]["accuracy"],
        "per_class": {x: s["recall"] for x, s in report["per_class_metrics"].items()},
        "top_confusions": report["top_confusions"][:8],
        "pairs": pairs(np.array(labels)[found.y_true], named(labels, read["letters_24"])),
        "risk_coverage": report["risk_coverage"],
    }


def mean_of(sources: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Returns the mean over sources, and the worst of them."""
    names = (
        "accuracy", "letters_26", *CHANGES, *(f"once_{name}" for name in ONCE),
        "calibration_error", "accepted", "accepted_right",
    )  # fmt: skip
    means = {name: statistics.fmean(s[name] for s in sources.values()) for name in names}
    return {**means, "worst_24": min(s["letters_24"] for s in sources.values())}


def non_letters(recogniser: Any, folder: Path) -> dict[str, Any]:
    """Returns how many digits that look like no letter are taken for one nevertheless.

    Of those that some people showed in training, other people's alone are read.
    """
    each, pictures = {}, 0
    for digit in LIKE_NO_LETTER:
        unseen = [x for x in (folder / digit).iterdir() if not is_learnt(DIGITS, digit, x)]
        read = answers(recogniser, sorted(unseen))
        each[digit] = taken(recogniser, read)
        pictures += len(read)
    return {
        "pictures": pictures,
        "digits": list(LIKE_NO_LETTER),
        "accepted": float(np.concatenate(list(each.values())).mean()),
        "each": {digit: float(mistaken.mean()) for digit, mistaken in each.items()},
    }


def taken(recogniser: Any, read: np.ndarray) -> np.ndarray:
    """Returns whether each of the answers (N, C) is not `nothing`, and sure enough (N,)."""
    from fingerspell.labels import NOTHING

    sure = read.max(axis=1) >= recogniser.threshold
    return sure & (named(recogniser.labels, read) != NOTHING)


def digit_one(recogniser: Any, folder: Path) -> dict[str, Any]:
    """Returns what the digit 1 is answered as, and how often at the threshold.

    No picture of it, photographed or drawn, was learnt from: all of them are read.
    """
    read = answers(recogniser, sorted((folder / "1").iterdir()))
    return {
        "pictures": len(read),
        **answered_as(named(recogniser.labels, read)),
        "accepted": float(taken(recogniser, read).mean()),
    }


def measured(recogniser: Any, once: Any, data: Path) -> dict[str, Any]:
    """Returns the whole measurement."""
    unseen_signers = {name: one_source(recogniser, once, data / name) for name in STRANGERS}
    studied = {name: one_source(recogniser, once, data / name) for name in STUDY_ONLY}
    return {
        "threshold": recogniser.threshold,
        "size_px": list(recogniser.size_px),
        "unseen_signers": unseen_signers,
        "unseen_signers_mean": mean_of(unseen_signers),
        "studied": studied,
        "studied_mean": mean_of(studied),
        "pairs_mean": {
            "unseen_signers": pairs_mean(unseen_signers),
            "studied": pairs_mean(studied),
        },
        "non_letters": non_letters(recogniser, data / DIGITS),
        "digit_one": digit_one(recogniser, data / DIGITS),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--recogniser", type=Path, help="run or bundle (default: the released one)")
    parser.add_argument(
        "--name", default="unseen_signers", help="of the file in benchmarks/results"
    )
    args = parser.parse_args()

    from fingerspell.runtime import STARTER, Recogniser

    folder = args.recogniser or STARTER
    recogniser = Recogniser.load(folder)
    once = OneLook.load(folder, recogniser)
    chosen = f" --recogniser {args.recogniser} --name {args.name}" if args.recogniser else ""
    command = f"python benchmarks/unseen signers.py --data {args.data}{chosen}"
    figures = {**circumstances(command), **measured(recogniser, once, args.data)}
    path = save(args.name, figures)
    print(json.dumps(figures["unseen_signers_mean"], indent=2))
    print(f"saved {path}")


if __name__ == "__main__":
    main()
