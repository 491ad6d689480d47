"""Everything that a training on the card looks at, kept on the card; hands are drawn meanwhile."""

from __future__ import annotations

import json
import multiprocessing
import os
import queue
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.images import Pixels, read
from fingerspell.loading.backgrounds import Backgrounds, backgrounds_of, cut_out

CANVAS_PX = 208
"""No photograph of the sources is larger."""

BACKGROUNDS = 6000
DONE = "done.json"
"""Which drawings a folder of them holds: the rows at which their chunks begin."""

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
    """Photographs on the card: `pictures` uint8 (N, 4, S, S), `targets` and `sources` (N,).

    `upto` (N,) is the share of all draws that falls on a picture or one before it.
    """

    pictures: Tensor
    targets: Tensor
    sources: Tensor
    samples: tuple[Sample, ...]
    upto: Tensor

    @property
    def origins(self) -> int:
        """How many sources there are."""
        return len({sample.source for sample in self.samples})

    def counted(self, source_power: float) -> Photos:
        """Returns the same photographs, sources counting by their size to this power."""
        shares = np.cumsum(weights_of(self.samples, source_power))
        upto = torch.from_numpy((shares / shares[-1]).astype(np.float32))
        return replace(self, upto=upto.to(self.pictures.device))

    def some(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns so many pictures, which class each shows, and which source it is from."""
        chance = torch.rand(count, device=self.upto.device)
        chosen = torch.searchsorted(self.upto, chance).clamp(max=len(self.upto) - 1)
        return self.pictures[chosen], self.targets[chosen], self.sources[chosen]


def load(manifest: Manifest, split: str, device: torch.device) -> Photos:
    """Reads a split. Classes come alike often, sources by the root of their size."""
    samples = manifest.split(split)
    pictures = read_all([manifest.absolute(sample) for sample in samples], device)
    labels = {label: number for number, label in enumerate(manifest.labels)}
    names = sorted({sample.source for sample in samples})
    sources = {name: number for number, name in enumerate(names, start=1)}  # 0 is drawn.
    targets, origins = (
        torch.tensor(numbers, device=device)
        for numbers in zip(*((labels[s.label], sources[s.source]) for s in samples), strict=True)
    )
    return Photos(pictures, targets, origins, tuple(samples), targets).counted(0.5)


def read_all(paths: Sequence[Path], device: torch.device) -> Tensor:
    """Reads pictures onto the card, uint8 (N, 4, S, S)."""
    with ProcessPoolExecutor() as pool:
        return torch.from_numpy(np.stack(list(pool.map(_read, paths, chunksize=64)))).to(device)


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

    No drawing comes twice from the same seed, and each stays for the rest of the training. With a
    `folder` they stay there, and whoever comes next with the same labels, side, room and seed
    begins with them.
    """

    def __init__(
        self, labels: Sequence[str], side: int, room: int, seed: int, device: torch.device,
        workers: int | None = None, folder: Path | None = None,
    ) -> None:  # fmt: skip
        self.own = None if folder else tempfile.TemporaryDirectory(prefix="drawings-")
        self.folder = folder or Path(self.own.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        file, shape = self.folder / "rows", (room, side, side, 3)
        self.synthetic_for = {"labels": list(labels), "shape": list(shape), "seed": seed}
        done = self._done()
        again = file.is_file() and done is not None
        self.rows: Any = np.memmap(file, np.uint8, "r+" if again else "w+", shape=shape)
        self.pictures = torch.zeros((room, 4, side, side), dtype=torch.uint8, device=device)
        self.pictures[:, 3] = 255
        self.targets = torch.zeros(room, dtype=torch.long, device=device)
        self.ready, self.count, self.done = 0, torch.zeros((), device=device), list[int]()
        done = done if again else []
        for start in done:
            self._bring(start, [row % len(labels) for row in range(start, start + CHUNK)])
        context = multiprocessing.get_context("spawn")
        self.said: Any = context.Queue()
        count = workers or max(1, len(os.sched_getaffinity(0)) - 1)
        left = [start for start in range(0, room // CHUNK * CHUNK, CHUNK) if start not in set(done)]
        self.workers = [
            context.Process(
                target=_draw_on, daemon=True,
                args=(left[own::count], str(file), shape, tuple(labels), seed, self.said),
            )
            for own in range(count)
        ]  # fmt: skip
        for worker in self.workers:
            worker.start()

    def _done(self) -> list[int] | None:
        """Returns where the chunks begin that a folder holds; none without such a folder."""
        path = self.folder / DONE
        if not path.is_file():
            return None
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["for"] != self.synthetic_for:
            raise SystemExit(
                f"{self.folder} holds drawings with other labels, size, room or seed: name an "
                "empty folder"
            )
        return told["starts"]

    def take(self, at_least: int = 0) -> int:
        """Brings what was drawn since the last call to the card; returns how many there are."""
        while True:
            try:
                self._bring(*self.said.get(block=self.ready < at_least, timeout=60))
            except queue.Empty:
                return self.ready

    def _bring(self, start: int, targets: Sequence[int]) -> None:
        end = self.ready + len(targets)
        fresh = torch.from_numpy(np.ascontiguousarray(self.rows[start : start + len(targets)]))
        fresh = fresh.to(self.pictures.device)
        self.pictures[self.ready : end, :3] = fresh.permute(0, 3, 1, 2)
        self.targets[self.ready : end] = torch.tensor(targets).to(self.targets.device)
        self.ready = end
        self.count.fill_(end)
        self.done.append(start)

    def some(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Returns so many drawings, which class each shows, and that they are from no source."""
        chance = torch.rand(count, device=self.pictures.device)
        chosen = (chance * self.count).long()
        return self.pictures[chosen], self.targets[chosen], torch.zeros_like(chosen)

    def close(self) -> None:
        """Ends the processes; what they have told of stays in a folder that was given."""
        for worker in self.workers:
            worker.terminate()
            worker.join()
        if self.own:
            self.own.cleanup()
        else:
            told = {"for": self.synthetic_for, "starts": self.done}
            (self.folder / DONE).write_text(json.dumps(told), encoding="utf-8")


def _draw_on(
    starts: Sequence[int], path: str, shape: tuple[int, ...], labels: tuple[str, ...], seed: int,
    said: Any,
) -> None:  # fmt: skip
    """Draws chunks until there is no more room."""
    cv2.setNumThreads(1)
    rows: Any = np.memmap(path, np.uint8, "r+", shape=shape)
    for start in starts:
        targets = [_synthetic(rows[row], labels, seed, row) for row in range(start, start + CHUNK)]
        said.put((start, targets))


def _synthetic(into: np.ndarray, labels: tuple[str, ...], seed: int, row: int) -> int:
    """Draws one picture and returns its class; some of `nothing` show a hand that is no letter."""
    from fingerspell.synth import SynthConfig, draw
    from fingerspell.train.synthetic import NON_LETTER_SHARE, NON_LETTERS, NOTHING

    rng = np.random.default_rng([seed, row])
    target = row % len(labels)
    sign = labels[target]
    if sign == NOTHING and rng.random() < NON_LETTER_SHARE:
        sign = NON_LETTERS[int(rng.integers(len(NON_LETTERS)))]
    freer = SynthConfig(slack=1.15, view=1.3, people=1.3) if rng.random() < FREER else None
    number = int(np.random.SeedSequence([seed, row]).generate_state(1)[0])
    into[:] = draw(sign, number, into.shape[:2], freer).rgb
    return target
