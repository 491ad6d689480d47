"""One stream of answers with its truth: composed, thinned out, kept in a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from fingerspell.runtime.motion import motion

JITTER, LOST = 0.15, 0.03
"""Spread of a time stamp in shares of the time between frames, and the share of frames lost."""


@dataclass(frozen=True, slots=True)
class Stream:
    """What was read of one stream, and the truth.

    `time_s` (F,), `probabilities` (F, C), `motion` (F,): mean change since the frame before over
    the picture's standard deviation, NaN for the first, `hand` (F, 3): x, y and side of its square
    as shares of the picture. `letters` are start, end (seconds) and label of each letter held,
    `kind` is `word`, `film` or one of `scripts.MINUTES`. Streams of one `source` and `number` show
    the same at several `fps`.
    """

    time_s: np.ndarray
    probabilities: np.ndarray
    motion: np.ndarray
    hand: np.ndarray
    kind: str
    source: str
    fps: int
    number: int = 0
    text: str = ""
    letters: tuple[tuple[float, float, str], ...] = ()
    transition: str = ""
    letter_s: float = 0.0
    doubles: tuple[str, ...] = ()


ARRAYS = ("time_s", "probabilities", "motion", "hand")


def save(streams: Sequence[Stream], path: Path) -> None:
    """Writes streams into one .npz file: arrays one behind the other, the rest as JSON."""
    rest = [
        {k: v for k, v in asdict(stream).items() if k not in ARRAYS}
        | {"frames": len(stream.time_s)}
        for stream in streams
    ]
    joined = {name: np.concatenate([getattr(s, name) for s in streams]) for name in ARRAYS}
    part = path.with_suffix(".part.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        part, streams=np.array(json.dumps(rest)),
        **{name: x.astype(np.float32) if name != "time_s" else x for name, x in joined.items()},
    )  # fmt: skip
    part.replace(path)


def load(path: Path) -> list[Stream]:
    """Returns the streams of a file."""
    out, at = [], 0
    with np.load(path) as file:
        arrays = {name: file[name] for name in ARRAYS}
        for rest in json.loads(str(file["streams"])):
            count = rest.pop("frames")
            rest["letters"] = tuple(tuple(letter) for letter in rest["letters"])
            rest["doubles"] = tuple(rest["doubles"])
            out.append(Stream(**{k: x[at : at + count] for k, x in arrays.items()}, **rest))
            at += count
    return out


def at_rate(
    watched: tuple[np.ndarray, ...], base_fps: float, step: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:  # fmt: skip
    """Returns the arrays of a stream that keeps every `step`-th frame, less those that are lost.

    `watched` is what `watch.watch` returned.
    """
    kept = np.arange(0, len(watched[0]), step)
    kept = kept[(rng.random(len(kept)) >= LOST) | (kept == 0)]
    every_s = step / base_fps
    late = np.clip(JITTER * rng.standard_normal(len(kept)), -0.4, 0.4) * every_s
    time_s = np.maximum.accumulate(kept / base_fps + late)
    probabilities, hand, thumbnails = (x[kept] for x in watched)
    return {
        "time_s": time_s - time_s[0], "probabilities": probabilities, "hand": hand,
        "motion": np.array([motion(*pair) for pair in pairwise((None, *thumbnails))], float),
    }  # fmt: skip
