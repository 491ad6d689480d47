"""How should the answers of several looks become one? The released weights, put together otherwise.

    python benchmarks/other_means.py --data ../shared/data

Reads ten sources by four looks: at the picture and closer at the hand, each as it is and mirrored.
Their answers are put together by the mean of the features (the softmax of the mean logits, which is
the geometric mean of the answers) or by the mean of the answers, each at the temperature at which
the five sources that may only be studied have the least log loss: one number, which the `dev_`
sources do not choose. Saves `benchmarks/results/other_means.json`.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from unseen_signers import mirrored

from circumstances import circumstances, save
from reading import BATCH
from source_names import STRANGERS, STUDY_ONLY, require_sources

LOOKS = ("whole", "whole, mirrored", "hand_crop", "closer, mirrored")
WAYS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "closer and mirrored, mean features": ((2, 3), "features"),
    "closer and mirrored, mean answers": ((2, 3), "answers"),
    "these and the whole picture, mean features": ((0, 2, 3), "features"),
    "these and the whole picture, mean answers": ((0, 2, 3), "answers"),
    "all four looks, mean features": ((0, 1, 2, 3), "features"),
    "all four looks, mean answers": ((0, 1, 2, 3), "answers"),
}

Read = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""source → classes (N,) and probabilities (N, V, C)."""


def together(read: Read, way: str) -> Read:
    """Returns what a way makes of the looks, before a temperature: answers (N, 1 or V, C)."""
    looks, of = WAYS[way]
    chosen = {name: (y, p[:, looks].astype(np.float64)) for name, (y, p) in read.items()}
    if of == "answers":
        return chosen
    return {name: (y, _geometric_mean(p)[:, None]) for name, (y, p) in chosen.items()}


def _geometric_mean(probabilities: np.ndarray) -> np.ndarray:
    """Returns softmax(mean ln p) (N, C): what the last layer makes of the looks' mean features."""
    from fingerspell.evaluate.calibration import TINY

    raised = np.exp(np.log(np.maximum(probabilities, TINY)).mean(axis=1))
    return raised / raised.sum(axis=1, keepdims=True)


def best_temperature(read: Read) -> float:
    """Returns the temperature of the least log loss where every source counts alike.

    Sources are brought to one length by repeating their pictures, in order.
    """
    from fingerspell.evaluate.calibration import fit_temperature

    most = max(len(y) for y, _ in read.values())
    rows = [np.resize(np.arange(len(y)), most) for y, _ in read.values()]
    truth = np.concatenate([y[i] for i, (y, _) in zip(rows, read.values(), strict=True)])
    said = np.concatenate([p[i] for i, (_, p) in zip(rows, read.values(), strict=True)])
    return fit_temperature(said, truth)


def figures(read: Read, temperature: float, threshold: float, labels: Sequence[str]) -> Any:
    """Returns the means over some sources."""
    from fingerspell.evaluate.calibration import (
        apply_temperature,
        expected_calibration_error,
        log_loss,
    )
    from fingerspell.evaluate.metrics import subset_accuracy
    from fingerspell.labels import STATIC_LETTERS

    rows = []
    for truth, said in read.values():
        answers = apply_temperature(said, temperature)
        sure, right = answers.max(axis=1) >= threshold, answers.argmax(axis=1) == truth
        rows.append(
            {
                "letters_24": subset_accuracy(truth, answers, labels, STATIC_LETTERS)[0],
                "log_loss": log_loss(truth, answers),
                "calibration_error": expected_calibration_error(truth, answers) or 0.0,
                "accepted": float(sure.mean()),
                "accepted_right": float(right[sure].mean()) if sure.any() else 1.0,
            }
        )
    return {key: statistics.fmean(row[key] for row in rows) for key in rows[0]}


def read_all(data: Path, names: Sequence[str], labels: Sequence[str]) -> Read:
    """Returns the classes and every look's answers of some sources."""
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.loading.loader import evaluation_stream
    from fingerspell.model import views_network
    from fingerspell.model.weights import build_starter, with_released_views

    once = build_starter(labels)
    closer = views_network(with_released_views(once))
    read = {}
    for name in names:
        found = find_unseen_signers(data / name, labels)
        rows = []
        for batch in evaluation_stream(found.paths, once.input_shape[1:3], BATCH):
            whole = [once.predict_on_batch(x)[:, None] for x in (batch, mirrored(batch))]
            rows.append(np.concatenate([*whole, closer.predict_on_batch(batch)], axis=1))
        read[name] = (np.asarray(found.y_true), np.concatenate(rows))
    return read


def measured(read: Mapping[str, Read], threshold: float, labels: Sequence[str]) -> Any:
    """Returns each way's temperature and figures; `read` has both groups of sources."""
    rows = []
    for way in WAYS:
        joined = {group: together(one, way) for group, one in read.items()}
        temperature = best_temperature(joined["studied"])
        rows.append(
            {
                "way": way,
                "temperature": temperature,
                **{g: figures(one, temperature, threshold, labels) for g, one in joined.items()},
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    args = parser.parse_args()
    require_sources(parser, args.data)

    from fingerspell.model.weights import starter_facts

    known = starter_facts()
    groups = {"studied": STUDY_ONLY, "unseen_signers": STRANGERS}
    read = {group: read_all(args.data, names, known["labels"]) for group, names in groups.items()}
    said = circumstances(f"python benchmarks/other_means.py --data {args.data}")
    told = {"threshold": known["threshold"], "rows": measured(read, known["threshold"],
                                                              known["labels"])}  # fmt: skip
    print(f"saved {save('other_means', {**said, **told})}")


if __name__ == "__main__":
    main()
