"""Writes class folders of synthetic pictures with their truth, on all cores at once."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fingerspell.errors import DataError
from fingerspell.images import encode_jpeg
from fingerspell.labels import ALPHABET
from fingerspell.machine import usable_cores
from fingerspell.synth.arrays import Flags
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.picture import SyntheticHand, draw
from fingerspell.synth.signs import find_sign

TRUTH_NAME = "truth.jsonl"
_JPEG_QUALITY = 92
_SEEDS_APART = 1_000_000

_LEAST_APART = 400
"""Fewer pictures take no longer than starting a process."""

_MOST = 16


def write_dataset(
    output_dir: Path,
    per_class: int,
    seed: int = 0,
    size_px: tuple[int, int] = (200, 200),
    labels: Sequence[str] = ALPHABET,
    config: SynthConfig | None = None,
) -> Path:
    """Draws `per_class` pictures of every label into `output_dir/<LABEL>/<name>.jpg`.

    The folder appears complete or not at all. `output_dir/truth.jsonl` holds one line a picture:
    path, label, variant, left, landmarks (21 x, y in pixels or null), box, and the mask of hand
    and forearm as `runs`. Each picture is an independent draw: no two share a person, a scene or a
    movement, and its name ends in its own seed. The same arguments write the same bytes, on
    however many cores. Raises `DataError` where something is in the way, `ConfigError` for an
    unknown label.
    """
    _check_request(output_dir, per_class, labels)
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{output_dir.name}-", dir=output_dir.parent))
    try:
        for label in labels:
            (work / label).mkdir()
        pieces = [
            (label, seed * _SEEDS_APART + number) for label in labels for number in range(per_class)
        ]
        chosen = _shares(len(pieces))
        _done_by_all(_draw_share, chosen, work, pieces, size_px, config)
        _join_truth(work, len(pieces), chosen)
        if output_dir.exists():
            output_dir.rmdir()
        work.replace(output_dir)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return output_dir


def _draw_share(
    share: _Share,
    folder: Path,
    pieces: Sequence[tuple[str, int]],
    size_px: tuple[int, int],
    config: SynthConfig | None,
) -> None:
    """Draws a share of `pieces`, each (label, seed), and writes the truth about them."""
    with (folder / _truth_name(share)).open("w", encoding="utf-8", newline="\n") as truth:
        for piece, (label, own) in enumerate(pieces):
            if share.takes(piece):
                synthetic = draw(label, own, size_px, config)
                path = f"{label}/synthetic-{label}-{own:09d}.jpg"
                (folder / path).write_bytes(encode(synthetic))
                truth.write(json.dumps(_truth_line(path, label, synthetic)) + "\n")


def encode(synthetic: SyntheticHand) -> bytes:
    """Returns the picture as JPEG bytes."""
    return encode_jpeg(np.ascontiguousarray(synthetic.rgb), quality=_JPEG_QUALITY)


def _truth_line(path: str, label: str, synthetic: SyntheticHand) -> dict[str, object]:
    seen = bool(np.isfinite(synthetic.landmarks).all())
    return {
        "path": path,
        "label": label,
        "variant": synthetic.variant,
        "left": synthetic.left,
        "landmarks": np.round(synthetic.landmarks, 2).tolist() if seen else None,
        "box": list(synthetic.box) if seen else None,
        "size": list(synthetic.mask.shape),
        "mask": _runs(synthetic.mask),
    }


def _runs(mask: Flags) -> list[int]:
    """Returns the lengths of the mask's runs, row by row, beginning with pixels that are off."""
    flat = np.concatenate([[False], mask.ravel(), [not mask.ravel()[-1]]])
    ends = np.nonzero(flat[1:] != flat[:-1])[0]
    return [int(length) for length in np.diff(np.concatenate([[0], ends]))]


def unpack(lengths: Sequence[int], size: tuple[int, int]) -> Flags:
    """Returns the mask (h, w) that `runs` packed."""
    on = np.arange(len(lengths)) % 2 == 1
    return np.repeat(on, lengths).reshape(size)


@dataclass(frozen=True, slots=True)
class _Share:
    """Every `of`-th piece of some work, from piece `number` on."""

    number: int
    of: int

    def takes(self, piece: int) -> bool:
        """Says whether this share has that piece."""
        return piece % self.of == self.number


def _shares(pictures: int) -> list[_Share]:
    """Returns one share a core; one alone where there is too little to draw."""
    count = min(_MOST, usable_cores()) if pictures >= _LEAST_APART else 1
    return [_Share(number, count) for number in range(count)]


def _done_by_all(work: Callable[..., None], chosen: Sequence[_Share], *arguments: object) -> None:
    """Calls `work(share, *arguments)` for every share, the first here and the others beside it.

    `work` must be a module's function, and everything picklable. A share that fails elsewhere is
    done here again, so that its error is raised as if there were one process.
    """
    children: list[subprocess.Popen[bytes]] = []
    try:
        children += [_started(work, share, arguments) for share in chosen[1:]]
        work(chosen[0], *arguments)
        for child, share in zip(children, chosen[1:], strict=True):
            if child.wait() != 0:
                work(share, *arguments)
    finally:
        for child in children:
            child.kill()
            child.wait()


def _started(
    work: Callable[..., None], share: _Share, arguments: Sequence[object]
) -> subprocess.Popen[bytes]:
    here = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen(
        [sys.executable, "-c", f"import {__name__} as s; s._child()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    with contextlib.suppress(BrokenPipeError), child.stdin or contextlib.nullcontext() as line:
        if line is not None:
            line.write(pickle.dumps((work, share, arguments)))
    return child


def _child() -> None:
    import cv2

    cv2.setNumThreads(1)
    work, share, arguments = pickle.load(sys.stdin.buffer)
    work(share, *arguments)


def _truth_name(share: _Share) -> str:
    return f"{share.number}_{TRUTH_NAME}"


def _join_truth(folder: Path, pieces: int, chosen: Sequence[_Share]) -> None:
    """Deals the shares' lines back into the order of the pieces."""
    parts = [folder / _truth_name(share) for share in chosen]
    with ExitStack() as stack:
        read = [stack.enter_context(part.open(encoding="utf-8")) for part in parts]
        truth = stack.enter_context((folder / TRUTH_NAME).open("w", encoding="utf-8", newline="\n"))
        truth.writelines(read[piece % len(read)].readline() for piece in range(pieces))
    for part in parts:
        part.unlink()


def _check_request(output_dir: Path, per_class: int, labels: Sequence[str]) -> None:
    if not 1 <= per_class < _SEEDS_APART:
        raise DataError(
            found=f"per_class={per_class}",
            expected=f"from 1 to {_SEEDS_APART - 1} pictures of each class",
            fix="use --per_class 200",
        )
    for label in labels:
        find_sign(label)
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise DataError(
            found=f"{output_dir} is already there and not empty",
            expected="a folder that does not exist yet",
            fix="choose another -o, or delete the folder first",
        )
