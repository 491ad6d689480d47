"""The released network's last layer learnt again: does another choice read unseen signers better?

    python benchmarks/last_layer.py --data ../shared/data --dataset_dir dataset

The features of training pictures, changed as `configs/unseen signers.py` changes them, are computed
once; what the last layer makes of them is then learnt again in seconds, with three seeds of every
choice: which pictures, how they are weighed, how they are mixed. Reads ten sources of unseen signers
with one look. Reference: Kirichenko et al., Last Layer Re-Training is Sufficient for Robustness to
Spurious Correlations, ICLR 2023. Saves `benchmarks/results/last_layer.json`.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from circumstances import circumstances, save
from fingerspell.train.synthetic import SOURCE
from last_features import DRAWN, Read, Shown, shown, unseen_signers
from source_names import STRANGERS, STUDY_ONLY

PICTURES = 30_000
SEEDS = (1, 2, 3)
STEPS, AT_ONCE, RATE, DECAY = 3000, 512, 1e-3, 1e-4
MOVING = frozenset({("rooms", "Z"), ("hawk", "Z")})
"""Stills out of the movement, in which the finger points sideways as it does for G."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How the last layer is learnt again. Powers: 0 lets all count alike, 1 by their size."""

    name: str
    class_power: float | None = None
    source_power: float | None = None
    synthetic: bool = True
    moving: bool = True
    smoothing: float = 0.05
    mix: float = 0.0
    from_chance: bool = False


CHOICES = (
    Choice("as in the recipe"),
    Choice("from chance", from_chance=True),
    Choice("classes count by their size", class_power=1.0),
    Choice("sources count alike", source_power=0.0),
    Choice("sources count by their size", source_power=1.0),
    Choice("no synthetic hands", synthetic=False),
    Choice("no Z out of its movement", moving=False),
    Choice("no label smoothing", smoothing=0.0),
    Choice("MixUp", mix=0.4),
)


Layer = tuple[torch.Tensor, torch.Tensor]
"""Kernel (F, C) and bias (C,)."""


def weights_of(choice: Choice, shown: Shown) -> torch.Tensor:
    """Returns how often each picture (N,) is taken, not normalised; 0 never.

    The pictures come as the recipe deals them: what is asked for otherwise is weighed.
    """
    weights = np.ones(len(shown.of))
    for place, power in enumerate((choice.source_power, choice.class_power)):
        if power is not None:
            keys = [one[place] for one in shown.of]
            dealt = Counter(keys)
            weights *= [shown.sizes[key] ** power / dealt[key] for key in keys]
    kept = [
        (choice.synthetic or one[0] != SOURCE) and (choice.moving or one not in MOVING)
        for one in shown.of
    ]
    return torch.tensor(weights * kept)


def learnt(choice: Choice, shown: Shown, start: Layer, seed: int, steps: int = STEPS) -> Layer:
    """Returns the layer that `choice` leads to from `start`."""
    lot = torch.Generator().manual_seed(seed)
    rng = np.random.default_rng(seed)
    kernel, bias = (x.clone().requires_grad_() for x in start)
    if choice.from_chance:
        kernel = (0.01 * torch.randn(kernel.shape, generator=lot)).requires_grad_()
        bias = torch.zeros_like(bias).requires_grad_()
    rate = 10 * RATE if choice.from_chance else RATE
    optimizer = torch.optim.Adam([kernel, bias], lr=rate)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    weights, classes = weights_of(choice, shown), kernel.shape[1]
    for _ in range(steps):
        taken = torch.multinomial(weights, AT_ONCE, replacement=True, generator=lot)
        x = shown.features[taken]
        y = torch.nn.functional.one_hot(shown.labels[taken], classes).float()
        if choice.mix:
            share = float(rng.beta(choice.mix, choice.mix))
            other = torch.randperm(AT_ONCE, generator=lot)
            x, y = (share * z + (1 - share) * z[other] for z in (x, y))
        y = (1 - choice.smoothing) * y + choice.smoothing / classes
        said = torch.log_softmax(x @ kernel + bias, dim=1)
        loss = -(y * said).sum(dim=1).mean() + DECAY * kernel.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pace.step()
    return kernel.detach(), bias.detach()


def score(layer: Layer, read: Read, labels: Sequence[str]) -> dict[str, float]:
    """Returns the mean over both groups of sources of the share of 24 letters read right."""
    from fingerspell.labels import STATIC_LETTERS

    static = [place for place, label in enumerate(labels) if label in STATIC_LETTERS]
    kernel, bias = (x.numpy() for x in layer)
    right = {}
    for name, (features, truth) in read.items():
        asked = np.isin(truth, static)
        answer = (features[asked] @ kernel + bias).argmax(axis=1)
        right[name] = float((answer == truth[asked]).mean())
    return {
        group: statistics.fmean(right[name] for name in names)
        for group, names in (("studied", STUDY_ONLY), ("unseen_signers", STRANGERS))
    }


def rows_of(shown: Shown, start: Layer, read: Read, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the released layer's row, then each choice's, one for each seed."""
    rows: list[dict[str, Any]] = [{"name": "released", "seed": 0, **score(start, read, labels)}]
    for choice in CHOICES:
        for seed in SEEDS:
            layer = learnt(choice, shown, start, seed)
            rows.append({"name": choice.name, "seed": seed, **score(layer, read, labels)})
            print(rows[-1], flush=True)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--dataset_dir", type=Path, default=Path("dataset"))
    args = parser.parse_args(argv)

    from fingerspell.model.build import LOGITS, feature_network, head_of
    from fingerspell.model.weights import build_starter, starter_facts

    labels = tuple(starter_facts()["labels"])
    model = build_starter(labels)
    front, size_px = feature_network(model), tuple(model.input_shape[1:3])
    kernel, bias = (torch.from_numpy(x) for x in head_of(model).get_layer(LOGITS).get_weights())
    read = unseen_signers(front, labels, args.data, size_px)
    with tempfile.TemporaryDirectory() as work:
        features = shown(front, labels, args.dataset_dir, Path(work), PICTURES, SEEDS[0])
    given = sys.argv[1:] if argv is None else argv
    said = circumstances(shlex.join(["python", "benchmarks/last_layer.py", *given]))
    rows = rows_of(features, (kernel, bias), read, labels)
    save("last_layer", {**said, "pictures": len(features.of), "synthetic_per_class": DRAWN,
                        "steps": STEPS, "rows": rows})  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
