"""What the released network's front makes of pictures: training's, changed, and unseen signers'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fingerspell.train.synthetic import SOURCE
from source_names import STRANGERS, STUDY_ONLY

ROOT = Path(__file__).resolve().parents[1]
DRAWN, BATCH = 200, 64


@dataclass(frozen=True, slots=True)
class Shown:
    """Features (N, F) of changed pictures, their labels' places (N,) and what they show.

    `of` is (source, label) of each; `sizes` counts the pictures of every source and of every
    label in the training split and among the synthetic hands.
    """

    features: torch.Tensor
    labels: torch.Tensor
    of: tuple[tuple[str, str], ...]
    sizes: Mapping[str, int]


def features_of(front: Any, batches: Iterable[np.ndarray]) -> np.ndarray:
    """Returns the features (N, F) of batches of pictures (B, h, w, 3)."""
    return np.concatenate([np.asarray(front.predict_on_batch(x)) for x in batches])


def shown(
    front: Any, labels: tuple[str, ...], dataset: Path, work: Path, pictures: int, seed: int
) -> Shown:
    """Returns what the front makes of training pictures and synthetic hands, dealt and changed."""
    from fingerspell.config.recipe import load_recipe
    from fingerspell.dataset.manifest import read_manifest
    from fingerspell.loading.loader import labelled_stream
    from fingerspell.loading.sampling import make_deck
    from fingerspell.train.synthetic import draw_samples

    recipe = load_recipe(ROOT / "configs" / "unseen signers.py").config(
        dataset_dir=dataset, output_dir=work, seed=seed
    )
    manifest, size_px = read_manifest(dataset), recipe.model.image_size_px
    synthetic = draw_samples(work / SOURCE, labels, DRAWN, seed, max(size_px))
    samples = [*manifest.split("train"), *synthetic]
    deck = make_deck(samples, recipe.sampling, seed)
    dealt = np.concatenate([deck.epoch(n) for n in range(-(-pictures // deck.length))])
    mixed = np.random.default_rng(seed).permutation(dealt)[:pictures]
    chosen = [samples[i] for i in mixed]
    stream = labelled_stream(
        manifest, chosen, labels, size_px, BATCH, augment=recipe.augment, seed=seed
    )
    return Shown(
        torch.from_numpy(features_of(front, (x for x, *_ in stream))),
        torch.tensor([labels.index(sample.label) for sample in chosen]),
        tuple((sample.source, sample.label) for sample in chosen),
        Counter(key for sample in samples for key in (sample.source, sample.label)),
    )


Read = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Source → features (N, F) and labels' places (N,)."""


def unseen_signers(
    front: Any, labels: tuple[str, ...], data: Path, size_px: tuple[int, int]
) -> Read:
    """Returns what the front makes of every source that taught it nothing."""
    from fingerspell.evaluate.unseen_signers import find_unseen_signers
    from fingerspell.loading.loader import evaluation_stream

    read = {}
    for name in (*STRANGERS, *STUDY_ONLY):
        found = find_unseen_signers(data / name, labels)
        batches = evaluation_stream(found.paths, size_px, BATCH)
        read[name] = features_of(front, batches), np.asarray(found.y_true)
    return read
