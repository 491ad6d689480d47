"""Class-sorted folders of small synthetic pictures, as a user would hand them over."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from fingerspell.images import Pixels, encode_jpeg

SIDE_PX = 48


def scene(seed: int, side_px: int = SIDE_PX) -> Pixels:
    """A smooth random picture: another seed looks wholly different."""
    cells = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(cells, (side_px, side_px), interpolation=cv2.INTER_CUBIC))


def frame(seed: int, number: int) -> Pixels:
    """One of the frames of a scene: a shade brighter than the one before."""
    return np.clip(scene(seed).astype(np.int16) + number, 0, 255).astype(np.uint8)


def write_runs(folder: Path, label: str, runs: Iterable[int], frames: int = 4) -> None:
    """Writes `frames` neighbouring frames of each run, numbered with a gap between runs."""
    (folder / label).mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(runs):
        for number in range(frames):
            name = f"{label}{1000 * place + number}.jpg"
            (folder / label / name).write_bytes(encode_jpeg(frame(seed, number), 95))


def alphabet(
    folder: Path, labels: str = "AB", runs: int | Iterable[int] = 5, frames: int = 4
) -> Path:
    """Writes `runs` (or scenes of these numbers) × `frames` pictures a class; returns `folder`."""
    numbers = list(range(runs) if isinstance(runs, int) else runs)
    for label in labels:
        write_runs(folder, label, (1000 * ord(label) + number for number in numbers), frames)
    return folder


def groups_table(folder: Path, *lines: str, header: str = "path,group") -> Path:
    """Writes a table of groups; returns its path."""
    path = folder / "groups.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8", newline="\n")
    return path
