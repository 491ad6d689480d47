"""Everything that a training on the card looks at, kept on the card; hands are drawn meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import queue
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from fingerspell.data.backgrounds import Backgrounds, backgrounds_of, cut_out
from fingerspell.data.manifest import Manifest, Sample
from fingerspell.images import Pixels, read

CANVAS_PX = 208
"""No photograph of the sources is larger."""

BACKGROUNDS = 6000
CHUNK = 24
"""Drawings that a process hands over at once."""

FREER = 0.5
"""The share of drawings whose people, forms and views vary more than usual."""


def canvas(rgb: Pixels, side: int = CANVAS_PX) -> Pixels:
    """Returns a picture in the middle of a square, uint8 (4, side, side).

    The fourth channel says what is picture, or, where a hand was cut out on black, what is hand.
    """
    cover = cut_out(rgb)
    whole = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8) if cover is None else cover])
    scale = side / max(rgb.shape[:2])
    tall, wide = (max(1, round(length * scale)) for length in rgb.shape[:2])
    out = np.zeros((side, side, 4), np.uint8)
    top, left = (side - tall) // 2, (side - wide) // 2
    out[top : top + tall, left : left + wide] = cv2.resize(whole, (wide, tall))
    return np.ascontiguousarray(out.transpose(2, 0, 1))


def _read(path: Path) -> Pixels:
    return canvas(read(path))


def _behind(task: tuple[Backgrounds, int, int]) -> Pixels:
    backgrounds, side, seed = task
    rng = np.random.default_rng([seed, 77])
    return np.ascontiguousarray(backgrounds.draw((side, side), rng).transpose(2, 0, 1))


@dataclass(frozen=True, slots=True)
class Photos:
    """A split on the card: `pictures` uint8 (N, 4, S, S), `targets` (N,), `weights` (N,)."""

    pictures: Tensor
    targets: Tensor
    weights: Tensor

    def some(self, count: int) -> tuple[Tensor, Tensor]:
        """Returns so many pictures, and which class each shows."""
        chosen = torch.multinomial(self.weights, count, replacement=True)
        return self.pictures[chosen], self.targets[chosen]


def load(manifest: Manifest, split: str, device: torch.device, source_power: float = 0.5) -> Photos:
    """Reads a split. Classes come alike often, their sources as `SamplingConfig` counts them."""
    samples = manifest.split(split)
    with ProcessPoolExecutor() as pool:
        paths = [manifest.absolute(sample) for sample in samples]
        pictures = np.stack(list(pool.map(_read, paths, chunksize=64)))
    numbers = {label: number for number, label in enumerate(manifest.labels)}
    targets = torch.tensor([numbers[sample.label] for sample in samples])
    weights = torch.tensor(weights_of(samples, source_power))
    return Photos(torch.from_numpy(pictures).to(device), targets.to(device), weights.to(device))


def weights_of(samples: Sequence[Sample], source_power: float) -> list[float]:
    """Returns how often each picture comes, as shares of all."""
    cells = Counter((sample.label, sample.source) for sample in samples)
    classes: Counter[str] = Counter()
    for (label, _), count in cells.items():
        classes[label] += count**source_power
    return [
        cells[s.label, s.source] ** (source_power - 1) / classes[s.label] / len(classes)
        for s in samples
    ]


def draw_backgrounds(
    manifest: Manifest, side: int, device: torch.device, count: int = BACKGROUNDS
) -> Tensor:
    """Returns what may lie behind hands, uint8 (count, 3, side, side)."""
    behind = backgrounds_of(manifest, manifest.split("train"))
    with ProcessPoolExecutor() as pool:
        tasks = ((behind, side, seed) for seed in range(count))
        pictures = np.stack(list(pool.map(_behind, tasks, chunksize=64)))
    return torch.from_numpy(pictures).to(device)


class Drawings:
    """Hands drawn by processes of their own for as long as there is room; `take` brings the new.

    No drawing comes twice from the same seed, and each stays for the rest of the training.
    """

    def __init__(
        self, labels: Sequence[str], side: int, room: int, seed: int, device: torch.device,
        workers: int | None = None,
    ) -> None:  # fmt: skip
        shape = (room, side, side, 3)
        self.folder = tempfile.TemporaryDirectory(prefix="drawings-")
        file = str(Path(self.folder.name) / "rows")
        self.rows: Any = np.memmap(file, np.uint8, "w+", shape=shape)
        self.pictures = torch.zeros((room, 4, side, side), dtype=torch.uint8, device=device)
        self.pictures[:, 3] = 255
        self.targets = torch.zeros(room, dtype=torch.long, device=device)
        self.ready = 0
        context = multiprocessing.get_context("spawn")
        self.said: Any = context.Queue()
        count = workers or max(1, len(os.sched_getaffinity(0)) - 1)
        given = (file, shape, tuple(labels), seed, count, self.said)
        self.workers = [
            context.Process(target=_draw_on, args=(own, *given), daemon=True)
            for own in range(count)
        ]
        for worker in self.workers:
            worker.start()

    def take(self, at_least: int = 0) -> int:
        """Brings what was drawn since the last call to the card; returns how many there are."""
        while True:
            try:
                start, targets = self.said.get(block=self.ready < at_least, timeout=60)
            except queue.Empty:
                return self.ready
            end = self.ready + len(targets)
            fresh = torch.from_numpy(np.ascontiguousarray(self.rows[start : start + len(targets)]))
            fresh = fresh.to(self.pictures.device)
            self.pictures[self.ready : end, :3] = fresh.permute(0, 3, 1, 2)
            self.targets[self.ready : end] = torch.tensor(targets).to(self.targets.device)
            self.ready = end

    def some(self, count: int) -> tuple[Tensor, Tensor]:
        """Returns so many drawings, and which class each shows."""
        chosen = torch.randint(self.ready, (count,), device=self.pictures.device)
        return self.pictures[chosen], self.targets[chosen]

    def close(self) -> None:
        """Ends the processes and removes their file."""
        for worker in self.workers:
            worker.terminate()
            worker.join()
        self.folder.cleanup()


def _draw_on(
    own: int, path: str, shape: tuple[int, ...], labels: tuple[str, ...], seed: int, workers: int,
    said: Any,
) -> None:  # fmt: skip
    """Draws chunk `own`, `own` + `workers` … until there is no more room."""
    cv2.setNumThreads(1)
    rows: Any = np.memmap(path, np.uint8, "r+", shape=shape)
    for chunk in range(own, shape[0] // CHUNK, workers):
        start = chunk * CHUNK
        targets = [_drawn(rows[row], labels, seed, row) for row in range(start, start + CHUNK)]
        said.put((start, targets))


def _drawn(into: np.ndarray, labels: tuple[str, ...], seed: int, row: int) -> int:
    """Draws one picture and returns its class; some of `nothing` show a hand that is no letter."""
    from fingerspell.synth import SynthConfig, draw
    from fingerspell.train.drawn import NOTHING, STRAY_SHARE, STRAYS

    rng = np.random.default_rng([seed, row])
    target = row % len(labels)
    sign = labels[target]
    if sign == NOTHING and rng.random() < STRAY_SHARE:
        sign = STRAYS[int(rng.integers(len(STRAYS)))]
    freer = SynthConfig(slack=1.15, view=1.3, people=1.3) if rng.random() < FREER else None
    number = int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
    into[:] = draw(sign, number, into.shape[:2], freer).rgb
    return target
