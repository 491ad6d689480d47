"""Reads pictures with the weights of a training's epochs, after all training is over."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course import Epoch, weights_of
from fingerspell.dataset.manifest import Manifest
from fingerspell.evaluate.metrics import subset_accuracy
from fingerspell.evaluate.unseen_signers import find_unseen_signers
from fingerspell.labels import LETTERS, STATIC_LETTERS
from fingerspell.loading import loader
from source_names import STRANGERS

BATCH = 64
SPLITS = ("val", "test")


@dataclass(frozen=True, slots=True)
class Network:
    """A classifier in two parts that share its weights; `scale` is what white is to it."""

    model: Any
    front: Any
    head: Any
    scale: float = 1.0

    def features(self, paths: Sequence[Path], size_px: tuple[int, int]) -> np.ndarray:
        """Returns what the front makes of pictures, all fitted alike whoever is reading."""
        batches = loader.evaluation_stream(paths, size_px, BATCH)
        rows = [np.asarray(self.front(x * np.float32(self.scale))) for x in batches]
        return np.concatenate(rows)

    def probabilities(self, paths: Sequence[Path], size_px: tuple[int, int]) -> np.ndarray:
        return np.asarray(self.head(self.features(paths, size_px)))


def packaged(model: Any) -> Network:
    """Returns one of the package's networks, which take [0, 1]."""
    from fingerspell.model.build import feature_network, head_of

    return Network(model, feature_network(model), head_of(model))


def curve(
    folder: Path,
    epochs: Sequence[Epoch],
    manifest: Manifest,
    network_of: Callable[[tuple[int, int]], Network],
) -> list[dict[str, Any]]:
    """Returns each epoch with its accuracy on val, on test, and on both as one (`held_out`).

    While the backbone stays as it is, its features are read once.
    """
    truth = {split: _truth(manifest, split) for split in SPLITS}
    paths = [manifest.absolute(s) for split in SPLITS for s in manifest.split(split)]
    networks: dict[tuple[int, int], Network] = {}
    seen, features = "", np.zeros(0)
    rows = []
    for number, epoch in enumerate(epochs):
        size_px = epoch.size_px
        if size_px not in networks:
            networks[size_px] = network_of(size_px)
        network = networks[size_px]
        network.model.set_weights(weights_of(folder, number))
        front = _digest(network.front, size_px)
        if front != seen:
            seen, features = front, network.features(paths, size_px)
        answers = np.argmax(np.asarray(network.head(features)), axis=1)
        right = dict(zip(SPLITS, _right(answers, truth), strict=True))
        rows.append(
            {
                "phase": epoch.phase,
                "clock_s": round(epoch.clock_s, 1),
                "pictures": epoch.pictures,
                "size_px": list(size_px),
                **{split: float(hits.mean()) for split, hits in right.items()},
                "held_out": float(np.concatenate(list(right.values())).mean()),
            }
        )
    return rows


def unseen_signers(
    network: Network,
    data: Path,
    labels: Sequence[str],
    size_px: tuple[int, int],
    names: Sequence[str] = (),
) -> dict[str, Any]:
    """Returns the accuracy on 26 and on 24 letters of each source, and the mean over sources.

    Without `names`, of the five that train nothing.
    """
    sources = {}
    for name in names or STRANGERS:
        people = find_unseen_signers(data / name, labels)
        answers = network.probabilities(people.paths, size_px)
        sources[name] = {
            key: subset_accuracy(people.y_true, answers, labels, chosen)[0]
            for key, chosen in (("letters_26", LETTERS), ("letters_24", STATIC_LETTERS))
        }
    mean = {
        f"mean_{key}": statistics.fmean(source[key] for source in sources.values())
        for key in ("letters_26", "letters_24")
    }
    return {"sources": sources, **mean}


def accuracy(network: Network, manifest: Manifest, split: str, size_px: tuple[int, int]) -> float:
    """Returns the share of a split's pictures that a network reads right."""
    paths = [manifest.absolute(sample) for sample in manifest.split(split)]
    answers = np.argmax(network.probabilities(paths, size_px), axis=1)
    return float((answers == _truth(manifest, split)).mean())


def _truth(manifest: Manifest, split: str) -> np.ndarray:
    numbers = {label: number for number, label in enumerate(manifest.labels)}
    return np.array([numbers[sample.label] for sample in manifest.split(split)])


def _right(answers: np.ndarray, truth: dict[str, np.ndarray]) -> list[np.ndarray]:
    first = len(truth[SPLITS[0]])
    parts = (answers[:first], answers[first:])
    return [part == truth[split] for split, part in zip(SPLITS, parts, strict=True)]


def _digest(front: Any, size_px: tuple[int, int]) -> str:
    found = hashlib.sha256(str(size_px).encode())
    for array in front.get_weights():
        found.update(array.tobytes())
    return found.hexdigest()
