"""Where a hand tracker sees the joints of every photographed hand, for `tracker_letters.py`.

    python -m venv tracker && tracker/bin/pip install mediapipe==0.10.14 "numpy<2"
    tracker/bin/python benchmarks/hand_points.py --data ../shared/data --output build/points.npz

Runs in an environment of its own, because mediapipe wants an older numpy. MediaPipe Hands reads
every picture by itself, enlarged where it is small; where it finds no hand it looks once more with
a border of the picture's median colour, because it wants room around a hand. A second call with
the same --output reads what is not in it yet.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from synth_tracker import with_margin

VERSION = "0.10.14"
"""Of mediapipe: another one brings other weights, and other points."""

SIDES_PX = (200, 480)
"""Pictures whose longer side is shorter or longer are brought to it."""

MARGINS = (0.0, 0.4)
CONFIDENCE = 0.3
POINTS = 21
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})

Seen = tuple[np.ndarray, np.ndarray]
"""Joints (21, 3) in the picture, in shares of its width, and in the world, in metres."""

NOWHERE: Seen = (np.full((POINTS, 3), np.nan, np.float32),) * 2


def pictures_in(data: Path) -> list[str]:
    """Returns source/class/file of every picture, in order."""
    found = (path for path in data.glob("*/*/*") if path.suffix.lower() in ENDINGS)
    return sorted(path.relative_to(data).as_posix() for path in found)


def brought_to_size(rgb: np.ndarray) -> np.ndarray:
    """Returns a picture whose longer side is one that the tracker likes."""
    import cv2

    longer = max(rgb.shape[:2])
    wanted = min(max(longer, SIDES_PX[0]), SIDES_PX[1])
    if wanted == longer:
        return rgb
    scale = wanted / longer
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=how))


def seen_by(hands: Any, rgb: np.ndarray) -> Seen:
    """Returns the joints of the hand in a picture, NaN where the tracker finds none."""
    rgb = brought_to_size(rgb)
    width = rgb.shape[1]
    for margin in MARGINS:
        framed, border = with_margin(rgb, margin)
        answer = hands.process(framed)
        if answer.multi_hand_landmarks:
            high, wide = framed.shape[:2]
            points = [
                ((p.x * wide - border) / width, (p.y * high - border) / width, p.z * wide / width)
                for p in answer.multi_hand_landmarks[0].landmark
            ]
            world = [(p.x, p.y, p.z) for p in answer.multi_hand_world_landmarks[0].landmark]
            return np.array(points, np.float32), np.array(world, np.float32)
    return NOWHERE


def read_part(data: Path, names: Sequence[str], number: int) -> list[Seen]:
    """Returns what the tracker sees in some pictures."""
    import cv2
    import mediapipe

    cv2.setNumThreads(1)
    hands = mediapipe.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=1, min_detection_confidence=CONFIDENCE
    )
    found = []
    for place, name in enumerate(names):
        picture = cv2.imread(str(data / name))
        if picture is None:
            raise SystemExit(f"{data / name} is no picture: remove it")
        found.append(seen_by(hands, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)))
        if number == 0 and place % 500 == 0:
            print(f"{place:,} of {len(names):,} pictures", file=sys.stderr, flush=True)
    return found


def read_all(data: Path, names: Sequence[str]) -> Iterator[tuple[str, Seen]]:
    """Gives every picture and what the tracker sees in it; every core reads a part."""
    parts = [names[core :: os.cpu_count() or 1] for core in range(os.cpu_count() or 1)]
    with ProcessPoolExecutor(len(parts)) as pool:
        jobs = [pool.submit(read_part, data, part, k) for k, part in enumerate(parts)]
        for part, job in zip(parts, jobs, strict=True):
            yield from zip(part, job.result(), strict=True)


def stored_in(path: Path) -> dict[str, Seen]:
    """Returns what an earlier call has kept; nothing where there was none."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            names, points, world = (kept[key] for key in ("names", "points", "world"))
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise SystemExit(f"{path} is damaged: remove it and run hand_points.py") from error
    return {str(name): (p, w) for name, p, w in zip(names, points, world, strict=True)}


def store(path: Path, seen: Mapping[str, Seen]) -> None:
    """Writes what was seen, whole or not at all."""
    names = sorted(seen)
    points, world = (np.stack([seen[name][k] for name in names]) for k in (0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial_{path.name}")
    with partial.open("wb") as out:
        np.savez_compressed(out, names=np.array(names), points=points, world=world)
    partial.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--output", type=Path, default=Path("build/points.npz"))
    args = parser.parse_args()
    names = pictures_in(args.data)
    if not names:
        parser.error(f"{args.data} has no pictures: name the folder of all sources")
    if (version := importlib.metadata.version("mediapipe")) != VERSION:
        parser.error(f"mediapipe {version}, but points are compared by {VERSION}: install that")
    seen = stored_in(args.output)
    seen |= read_all(args.data, [name for name in names if name not in seen])
    store(args.output, {name: seen[name] for name in names})
    hits = sum(bool(np.isfinite(points).all()) for points, _ in seen.values())
    print(f"a hand in {hits:,} of {len(seen):,} pictures, {args.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
