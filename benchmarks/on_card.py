"""All that a training on the card looks at, brought there once, unseen signers' pictures included."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from card_pictures import BACKGROUNDS, Drawings, Photos, draw_backgrounds, load, read_all
from fingerspell.dataset.manifest import read_manifest
from fingerspell.evaluate.metrics import subset_accuracy
from fingerspell.evaluate.unseen_signers import find_unseen_signers
from fingerspell.labels import LETTERS, STATIC_LETTERS

Read = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Sources:
    """Unseen signers' pictures on the card by their source: uint8 (N, 4, S, S), and what they show."""

    by_name: Mapping[str, tuple[Tensor, np.ndarray]]
    labels: tuple[str, ...]

    def read(self, answer: Callable[[Tensor], Tensor]) -> Read:
        """Returns the accuracy on 24 and on 26 letters of each source."""
        found = {}
        for name, (pictures, truth) in self.by_name.items():
            said = torch.cat([answer(part) for part in pictures.split(256)]).cpu().numpy()
            found[name] = {
                key: float(subset_accuracy(truth, said, self.labels, chosen)[0])
                for key, chosen in (("letters_24", STATIC_LETTERS), ("letters_26", LETTERS))
            }
        return found


@dataclass(frozen=True, slots=True)
class OnCard:
    """All that a training on the card looks at."""

    device: torch.device
    labels: tuple[str, ...]
    photos: Photos
    held: Photos
    drawings: Drawings
    backgrounds: Tensor
    unseen_signers: Sources


def options(about: str) -> argparse.ArgumentParser:
    """Returns the options that every training on the card has."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    add = parser.add_argument
    add("--network", type=Path, required=True, help="where it begins (run_of_card.py start)")
    add("--dataset_dir", type=Path, default=Path("dataset"))
    add("--data", type=Path, help="folder of the sources to read; without, none is")
    add("--batch", type=int, default=256)
    add("--dropout", type=float, default=0.3)
    add("--backgrounds", type=int, default=BACKGROUNDS)
    add("--drawings", type=Path, help="folder where synthetic hands stay for the next training")
    add("--room", type=int, default=180_000, help="drawings at most")
    add("--workers", type=int, help="processes that draw")
    add(
        "--slow_ms",
        type=float,
        default=26.0,
        help="where a step takes longer, cuDNN tries its ways",
    )
    return parser


def brought(
    args: argparse.Namespace, names: Sequence[str], seed: int, told: Callable[[str], None]
) -> OnCard:
    """Brings everything onto the card, and lets hands be drawn from now on."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    manifest = read_manifest(args.dataset_dir)
    labels = tuple(manifest.labels)
    photos, held = (load(manifest, split, device) for split in ("train", "val"))
    told(f"{len(photos.pictures):,} photographs on {device}")
    found = {}
    for name in names if args.data else ():
        people = find_unseen_signers(args.data / name, labels)
        found[name] = read_all(people.paths, device), people.y_true
    told(f"{sum(len(x) for x, _ in found.values()):,} pictures of unseen signers")
    backgrounds = draw_backgrounds(manifest, 160, device, args.backgrounds)
    told(f"{len(backgrounds):,} backgrounds")
    drawings = Drawings(labels, 160, args.room, seed, device, args.workers, args.drawings)
    return OnCard(device, labels, photos, held, drawings, backgrounds, Sources(found, labels))
