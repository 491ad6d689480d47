"""How well does a recogniser read people it has never seen, and does it know when it does not?

    python benchmarks/release/unseen_signers.py --data ../shared/data

Reads the catalogue's unseen signers and study sources: every picture as it is; mirrored, which
makes a right hand a left one; at half and a third of its size in the middle of a grey one; and at a
third of it anywhere before rooms with people, as a webcam sees them. These are surroundings of
training sources: no signer of theirs is read. The
same weights read all but the mirrored ones again in a single view. Digits that look like no letter
show how often it answers where it should be silent. What a still cannot tell, I from J and D from Z
or the digit 1, is reported apart; so are skin tones and sides of the hand, with intervals.
Saves `benchmarks/results/unseen_signers.json`, or `--name`.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.live.streams import FACES, sides
from benchmarks.release.catalogue import STUDY, UNSEEN, names_for, require_sources
from benchmarks.release.sources import NOTHING, is_learnt
from fingerspell.labels import LETTERS

BATCH = 64
SEED = 1
RESAMPLES = 2000
LEAST_SHOWN = 20
"""Pictures of a skin tone below which a source does not count for it."""

Change = Callable[[np.ndarray], np.ndarray]
PAIRS = (("I", "J"), ("D", "Z"))
"""A letter, and the movement whose still looks like it."""

DIGITS = "digits_218"
LIKE_NO_LETTER = ("3", "5", "7", "8")
"""Of the digits: 0 looks like O, 2 like V, 6 like W, 9 like F, 1 like D and Z, 4 like B."""


def smaller(share: float) -> Change:
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


def before(scenes: Sequence[np.ndarray], share: float) -> Change:
    """Returns a change: pictures so much smaller, with soft edges, anywhere before `scenes`.

    `scenes` are uint8 (h, w, 3). The same pictures in the same order go to the same places.
    """
    rng = np.random.default_rng(SEED)

    def change(batch: np.ndarray) -> np.ndarray:
        height, width = batch.shape[1:3]
        tall, wide = round(share * height), round(share * width)
        cover = soft_edge(tall, wide)[..., None]
        out = np.empty_like(batch)
        for picture, whole in zip(out, batch, strict=True):
            scene = scenes[int(rng.integers(len(scenes)))]
            picture[:] = cv2.resize(scene, (width, height)).astype(np.float32) / 255
            y, x = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
            less = cv2.resize(whole, (wide, tall), interpolation=cv2.INTER_AREA)
            part = picture[y : y + tall, x : x + wide]
            part += cover * (less - part)
        return out

    return change


def soft_edge(tall: int, wide: int, share: float = 0.15) -> np.ndarray:
    """Returns how much of each pixel (tall, wide) shows: less within a share of half the sides."""
    inward = [1 - np.abs(np.linspace(-1, 1, count)) for count in (tall, wide)]
    return np.clip(np.minimum(inward[0][:, None], inward[1]) / share, 0, 1).astype(np.float32)


def people(data: Path) -> list[np.ndarray]:
    """Returns what is beside the hands of three sources: rooms, shirts and faces."""
    rng = np.random.default_rng(SEED)
    return [scene for source in FACES["report"] for scene in sides(data / source, rng)]


CHANGES: dict[str, Change] = {
    "letters_24": lambda batch: batch,
    "mirrored_24": lambda batch: np.ascontiguousarray(batch[:, :, ::-1]),
    "farther_24": smaller(1 / 2),
    "third_24": smaller(1 / 3),
}
BEFORE = "before_24"
SINGLE_VIEW = ("letters_24", "farther_24", "third_24", BEFORE)
"""What the same weights read again in a single view."""


def answers(
    recogniser: Any, paths: Sequence[Path], change: Change = CHANGES["letters_24"]
) -> np.ndarray:
    """Returns the probabilities (N, C) for pictures that were changed."""
    from fingerspell.loading.loader import evaluation_stream

    batches = evaluation_stream(paths, recogniser.size_px, BATCH)
    return np.concatenate([recogniser.probabilities(change(x)) for x in batches])


def single_view(folder: Path, recogniser: Any) -> Any:
    """Returns a recogniser with the weights of a run folder, or the released ones, without crop."""
    from fingerspell import model
    from fingerspell.model.weights import released_network

    if (folder / "model.keras").is_file():
        trained = model.load_recogniser(folder / "model.keras")
    else:
        trained = released_network(folder)
    network = model.single_view(trained)
    return SimpleNamespace(
        size_px=recogniser.size_px,
        probabilities=lambda batch: np.asarray(network.predict_on_batch(batch)),
    )


def named(labels: Sequence[str], read: np.ndarray) -> np.ndarray:
    """Returns the label (N,) that each of the answers (N, C) names."""
    return np.array(labels)[read.argmax(axis=1)]


def pairs(truth: np.ndarray, answer: np.ndarray) -> dict[str, dict[str, Any]]:
    """Returns how each of `PAIRS` is read of which a letter is shown; both are labels (N,)."""
    shown = [letters for letters in PAIRS if np.isin(truth, letters).any()]
    return {"/".join(letters): one_pair(truth, answer, letters) for letters in shown}


def one_pair(truth: np.ndarray, answer: np.ndarray, letters: tuple[str, str]) -> dict[str, Any]:
    """Returns how the pictures of two letters are read.

    `right`: the share answered as the true letter; `either`: as one of the two, which is what can
    be known from a still. Of each letter's own pictures `recall` are answered as it and `as_other`
    as the other of the two, both None where the letter is not shown.
    """
    shown = np.isin(truth, letters)
    truth, answer = truth[shown], answer[shown]

    def share(of: str, called: str) -> float | None:
        own = answer[truth == of]
        return float((own == called).mean()) if len(own) else None

    return {
        "pictures": len(truth),
        "right": float((answer == truth).mean()),
        "either": float(np.isin(answer, letters).mean()),
        "recall": {letter: share(letter, letter) for letter in letters},
        "as_other": {of: share(of, letters[of == letters[0]]) for of in letters},
    }


def pairs_mean(sources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the mean of each pair over the sources that show both of its letters.

    A source of I alone would count every I that is right, and no J that can only be guessed.
    """
    means = {}
    for letters in PAIRS:
        found = [s["pairs"].get("/".join(letters)) for s in sources.values()]
        both = [pair for pair in found if pair and None not in pair["recall"].values()]
        if both:
            mean: dict[str, Any] = {"sources": len(both)}
            mean |= {key: statistics.fmean(x[key] for x in both) for key in ("right", "either")}
            for key in ("recall", "as_other"):
                mean[key] = {of: statistics.fmean(x[key][of] for x in both) for of in letters}
            means["/".join(letters)] = mean
    return means


def one_source(
    recogniser: Any, single: Any, folder: Path, scenes: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Measures one source; `single` has the same weights without the hand crop.

    `scenes` are laid behind small hands.
    """
    from fingerspell.evaluate import evaluation
    from fingerspell.evaluate.metrics import subset_accuracy
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.labels import STATIC_LETTERS

    found = find_unseen_signers(folder, recogniser.labels)
    read = {name: answers(recogniser, found.paths, change) for name, change in CHANGES.items()}
    read[BEFORE] = answers(recogniser, found.paths, before(scenes, 1 / 3))
    labels = recogniser.labels
    report = evaluation(found.y_true, read["letters_24"], labels, threshold=recogniser.threshold)
    for name in SINGLE_VIEW:
        change = before(scenes, 1 / 3) if name == BEFORE else CHANGES[name]
        read[f"single_view_{name}"] = answers(single, found.paths, change)
    right = {
        name: subset_accuracy(found.y_true, x, labels, STATIC_LETTERS)[0]
        for name, x in read.items()
    }
    return {
        "pictures": report["pictures"],
        "accuracy": report["test_accuracy"],
        "letters_26": report["letters_26"]["accuracy"],
        **right,
        "calibration_error": report["calibration"]["expected_calibration_error"],
        "accepted": report["acceptance"]["coverage"],
        "accepted_right": report["acceptance"]["accuracy"],
        "per_class": {x: s["recall"] for x, s in report["per_class_metrics"].items()},
        "top_confusions": report["top_confusions"][:8],
        "pairs": pairs(np.array(labels)[found.y_true], named(labels, read["letters_24"])),
        "risk_coverage": report["risk_coverage"],
        "skin_tones": skin_tones(found, read["letters_24"], labels),
    }


def skin_tones(found: Any, read: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Returns how the static letters of each skin tone are read, as far as pictures tell it."""
    from fingerspell.dataset.quality import BANDS, measure, skin_band
    from fingerspell.images import read as read_picture
    from fingerspell.labels import STATIC_LETTERS

    angles = [measure(read_picture(path)).skin_ita_deg for path in found.paths]
    tones = np.array([skin_band(angle) or BANDS[-1] for angle in angles])
    truth = np.array(labels)[found.y_true]
    right, static = named(labels, read) == truth, np.isin(truth, STATIC_LETTERS)
    shown = {band: right[static & (tones == band)] for band in BANDS}
    return {
        band: {"pictures": len(own), "accuracy": float(own.mean())}
        for band, own in shown.items()
        if len(own)
    }


def interval(values: Sequence[float]) -> list[float]:
    """Returns the 95 % interval of the values' mean, by resampling them (percentile bootstrap)."""
    drawn = np.random.default_rng(SEED).choice(values, (RESAMPLES, len(values))).mean(axis=1)
    return [float(x) for x in np.percentile(drawn, (2.5, 97.5))]


def fairness(sources: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns means over sources, and their intervals, by skin tone and by side of the hand.

    `apart`: what pictures as they are are read better than their mirror images.
    """
    from fingerspell.dataset.quality import BANDS

    tones = {}
    for band in BANDS:
        those = [s["skin_tones"][band] for s in sources if band in s["skin_tones"]]
        those = [x for x in those if x["pictures"] >= LEAST_SHOWN]
        if those:
            each = [x["accuracy"] for x in those]
            tones[band] = {"sources": len(each), "pictures": sum(x["pictures"] for x in those)}
            tones[band] |= {"accuracy": statistics.fmean(each), "interval": interval(each)}
    apart = [s["letters_24"] - s["mirrored_24"] for s in sources]
    return {
        "skin_tones": tones,
        "hands": {
            "sources": len(apart),
            "apart": statistics.fmean(apart),
            "interval": interval(apart),
        },
    }


def mean_of(sources: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Returns the mean over sources, and the worst of them."""
    names = (
        "accuracy", "letters_26", *CHANGES, BEFORE,
        *(f"single_view_{name}" for name in SINGLE_VIEW),
        "calibration_error", "accepted", "accepted_right",
    )  # fmt: skip
    means = {name: statistics.fmean(s[name] for s in sources.values()) for name in names}
    return {**means, "worst_24": min(s["letters_24"] for s in sources.values())}


def non_letters(recogniser: Any, folder: Path) -> dict[str, Any]:
    """Returns the share of digits that look like no letter and are taken for one nevertheless.

    Of those that some people showed in training, other people's alone are read.
    """
    each = {}
    for digit in LIKE_NO_LETTER:
        unseen = [x for x in (folder / digit).iterdir() if not is_learnt(DIGITS, digit, x)]
        each[digit] = taken(recogniser, answers(recogniser, sorted(unseen)))
    every = np.concatenate(list(each.values()))
    return {
        "pictures": len(every),
        "digits": list(LIKE_NO_LETTER),
        "accepted": float(every.mean()),
        "each": {digit: float(mistaken.mean()) for digit, mistaken in each.items()},
    }


def taken(recogniser: Any, read: np.ndarray) -> np.ndarray:
    """Returns whether each of the answers (N, C) is not `nothing`, and sure enough (N,)."""
    sure = read.max(axis=1) >= recogniser.threshold
    return sure & (named(recogniser.labels, read) != NOTHING)


def digit_one(recogniser: Any, folder: Path) -> dict[str, Any]:
    """Returns what the digit 1 is answered as, and how often at the threshold.

    No picture of it, photographed or synthetic, was learnt from: all of them are read.
    """
    read = answers(recogniser, sorted((folder / "1").iterdir()))
    said = named(recogniser.labels, read)
    others = [letter for letter in LETTERS if letter not in ("D", "Z")]
    shares = {"D": said == "D", "Z": said == "Z", "other_letters": np.isin(said, others)}
    shares |= {"nothing": said == NOTHING, "accepted": taken(recogniser, read)}
    return {"pictures": len(read), **{name: float(hits.mean()) for name, hits in shares.items()}}


def measured(recogniser: Any, single: Any, data: Path) -> dict[str, Any]:
    """Returns the whole measurement."""
    scenes = people(data)
    unseen, studied = (
        {name: one_source(recogniser, single, data / name, scenes) for name in names_for(use)}
        for use in (UNSEEN, STUDY)
    )
    return {
        "threshold": recogniser.threshold,
        "size_px": list(recogniser.size_px),
        "unseen_signers": unseen,
        "unseen_signers_mean": mean_of(unseen),
        "studied": studied,
        "studied_mean": mean_of(studied),
        "fairness": fairness([*unseen.values(), *studied.values()]),
        "pairs_mean": {"unseen_signers": pairs_mean(unseen), "studied": pairs_mean(studied)},
        "non_letters": non_letters(recogniser, data / DIGITS),
        "digit_one": digit_one(recogniser, data / DIGITS),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--recogniser", type=Path, help="run or bundle (default: the released one)")
    parser.add_argument("--name", default="unseen_signers", help="of the result file")
    args = parser.parse_args()
    require_sources(parser, args.data, (*names_for(UNSEEN, STUDY), *FACES["report"]))

    from fingerspell.runtime import STARTER, Recogniser

    folder = args.recogniser or STARTER
    recogniser = Recogniser.load(folder)
    single = single_view(folder, recogniser)
    figures = measured(recogniser, single, args.data)
    path = record(args.name, "release/unseen_signers", None, figures)
    print(json.dumps(figures["unseen_signers_mean"], indent=2))
    print(f"saved {path}")


if __name__ == "__main__":
    main()
