"""A small network that reads letters from the 21 points of a tracked hand.

Where points come from: `hand_points.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fingerspell.labels import LETTERS
from hand_points import Seen
from starter_sources import SOURCES, taken

RELEASABLE = tuple(name for name, *_ in SOURCES)
STEPS, AT_ONCE, RATE, DECAY, SMOOTHING = 2000, 256, 2e-3, 1e-3, 0.1
WIDTH, DROPOUT = 256, 0.3
TURNED_DEG = 20.0
JITTER, JITTER_M = 0.008, 0.002
"""Of points, as a share of the hand's own spread, and of joints, in metres."""

PAIRS = torch.triu_indices(21, 21, 1)
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Hands:
    """Points and joints (N, 21, 3) as in `hand_points.Seen`, letters (N,) and weights (N,)."""

    points: Tensor
    joints: Tensor
    letters: Tensor
    weights: Tensor


def letter_of(name: str) -> str | None:
    """Returns what the picture source/class/file is learnt as, none where it is not a letter.

    Of the sources that may teach a released network, as the released recogniser learnt it.
    """
    source, label, _ = name.split("/")
    letter = dict(taken(source, [label])).get(label)
    return letter if letter in LETTERS else None


def hands_of(seen: Mapping[str, Seen], sources: Collection[str]) -> Hands:
    """Returns the tracked hands of some sources.

    Every letter counts as often as any other, and in it every source by the root of its size.
    """
    of = {}
    for name, (points, _) in seen.items():
        if name.split("/")[0] in sources and np.isfinite(points).all():
            letter = letter_of(name)
            if letter is not None:
                of[name] = (name.split("/")[0], letter)
    points, joints = (torch.from_numpy(np.stack([seen[name][k] for name in of])) for k in (0, 1))
    letters = torch.tensor([LETTERS.index(letter) for _, letter in of.values()])
    return Hands(points, joints, letters, torch.from_numpy(weights_of(list(of.values()))))


def weights_of(of: Sequence[tuple[str, str]]) -> np.ndarray:
    """Returns how often each picture (N,) of a source and a letter is dealt, not normalised."""
    cells, sizes = Counter(of), Counter(source for source, _ in of)
    letters_of = Counter(source for source, _ in cells)
    share = np.array([sizes[s] ** 0.5 / letters_of[s] / cells[s, letter] for s, letter in of])
    whole: Counter[str] = Counter()
    for (_, letter), one in zip(of, share, strict=True):
        whole[letter] += one
    return share / np.array([whole[letter] for _, letter in of])


def shape_of(points: Tensor, joints: Tensor) -> Tensor:
    """Returns (N, 546): both from the wrist on, each as long as it reaches, and all distances."""
    parts = []
    for places, axes in ((points, 2), (joints, 3)):
        away = places - places[:, :1]
        away = away / (away[:, :, :axes].norm(dim=2).amax(1)[:, None, None] + 1e-6)
        apart = torch.cdist(away[:, :, :axes], away[:, :, :axes])
        parts += [away.flatten(1), apart[:, PAIRS[0], PAIRS[1]]]
    return torch.cat(parts, 1)


def changed(points: Tensor, joints: Tensor, lot: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns hands turned in the picture, half of them mirrored, and seen a little otherwise."""
    count = len(points)
    angle = (2 * torch.rand(count, 1, generator=lot) - 1) * TURNED_DEG * torch.pi / 180
    side = torch.where(torch.rand(count, 1, generator=lot) < 0.5, -1.0, 1.0)
    spread = points[:, :, :2].std(dim=(1, 2))[:, None, None]
    made = []
    for places, jitter in ((points, JITTER * spread), (joints, JITTER_M)):
        x, y, z = places.unbind(2)
        x = x * side
        turned = [angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y, z]
        made.append(torch.stack(turned, 2) + jitter * torch.randn(places.shape, generator=lot))
    return made[0], made[1]


def small_network() -> nn.Module:
    """Returns the network that reads letters from shapes."""

    def layer(inputs: int) -> list[nn.Module]:
        return [nn.Linear(inputs, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU(), nn.Dropout(DROPOUT)]

    inputs = 2 * (63 + PAIRS.shape[1])
    return nn.Sequential(*layer(inputs), *layer(WIDTH), nn.Linear(WIDTH, len(LETTERS)))


def trained(hands: Hands, seed: int, steps: int = STEPS) -> nn.Module:
    """Returns a network that has learnt the letters of tracked hands."""
    torch.manual_seed(seed)
    lot = torch.Generator().manual_seed(seed)
    network = small_network()
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        dealt = torch.multinomial(hands.weights, AT_ONCE, replacement=True, generator=lot)
        said = network(shape_of(*changed(hands.points[dealt], hands.joints[dealt], lot)))
        loss = nn.functional.cross_entropy(said, hands.letters[dealt], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        pace.step()
    return network.eval()


@torch.no_grad()
def said_by(networks: Sequence[nn.Module], seen: Sequence[Seen]) -> np.ndarray:
    """Returns probabilities (N, 26), as seen and mirrored; alike where no hand was found."""
    points, joints = (torch.from_numpy(np.stack([one[k] for one in seen])) for k in (0, 1))
    found = points.isfinite().all(2).all(1)
    answer = torch.full((len(points), len(LETTERS)), 1 / len(LETTERS))
    sides = (torch.ones(3), MIRROR)
    shapes = [shape_of(points[found] * side, joints[found] * side) for side in sides]
    answer[found] = torch.stack(
        [network(shape).softmax(1) for network in networks for shape in shapes]
    ).mean(0)
    return answer.numpy()
