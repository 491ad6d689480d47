"""How many augmented training pictures one core gives a second, step by step, in one process.

    python benchmarks/speed/loader.py [--data FOLDER] [--repeats 5] [--no_step]

Draws its own 200×200 JPEGs of about 10 KB unless `--data` names a folder of class folders. Best
and median of `--repeats` are told, in processor seconds, which other programs disturb least, and in
wall seconds; last a step of training, and the loader's share of it. Saves
`benchmarks/results/loader.json`.
"""

import argparse
import contextlib
import itertools
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.prepare.hands import jittered_hands
from benchmarks.speed import tables

PICTURES = 2_900
SIDE_PX = 200
BATCH_SIZE = 32
BATCHES, CALLS = 30, 500
TARGETS = {"pictures_per_s": 2_000}
TRAINING_STEPS = 3

Row = dict[str, float]


def measure(folder: Path, repeats: int, with_step: bool) -> dict[str, Any]:
    """Returns pictures a second of every step, of the whole stream, and the share of a step."""
    manifest = manifest_of(folder)
    contents = [manifest.absolute(s).read_bytes() for s in manifest.samples]  # Warms the cache.
    with one_core():
        steps = {
            name: rates(lambda work=work: deque(map(work, range(CALLS)), maxlen=0), CALLS, repeats)
            for name, work in steps_of(manifest).items()
        }
        whole = timed_stream(manifest, repeats, threads=1)
    figures = {
        "pictures": len(manifest.samples),
        "mean_file_bytes": round(statistics.fmean(map(len, contents))),
        "repeats": repeats,
        "targets": TARGETS,
        "steps": steps,
        "stream": {
            "one core, 1 thread": whole,
            "all cores, 1 thread": timed_stream(manifest, repeats, threads=1),
            "all cores, 2 threads": timed_stream(manifest, repeats, threads=2),
        },
    }
    if with_step:
        figures["training_step"] = training_step(whole)
    return figures


def manifest_of(folder: Path) -> Any:
    """Returns a manifest of class folders: all pictures are for training."""
    from fingerspell.dataset.manifest import Manifest, Sample

    paths = sorted(folder.glob("*/*.jpg"))
    paths = paths[:: max(1, len(paths) // PICTURES)]
    samples = tuple(
        Sample(p.relative_to(folder).as_posix(), p.parent.name, "train", p.name, "", "", "", 0, 0)
        for p in paths
    )
    if len(samples) < BATCH_SIZE:
        raise SystemExit(f"{folder} has {len(samples)} pictures as <CLASS>/*.jpg: too few")
    return Manifest(folder, samples, tuple(sorted({s.label for s in samples})), "")


@contextlib.contextmanager
def one_core() -> Any:
    """Keeps the process on one core where the system can; elsewhere it has one busy thread."""
    import cv2

    cv2.setNumThreads(1)
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def steps_of(manifest: Any) -> dict[str, Callable[[int], object]]:
    """Returns the loader's steps, each a function of a picture's number."""
    from fingerspell.config import AugmentConfig
    from fingerspell.images import decode, read
    from fingerspell.loading import photometric
    from fingerspell.loading.augment import augment, warp
    from fingerspell.loading.backgrounds import cut_out
    from fingerspell.loading.photometric import recolour

    every = max(1, len(manifest.samples) // 500)
    paths = [manifest.absolute(sample) for sample in manifest.samples[::every]]
    files = [path.read_bytes() for path in paths]
    pictures = [decode(data) for data in files]
    config, strong, size = AugmentConfig(), AugmentConfig.strong(), (SIDE_PX, SIDE_PX)
    rng = np.random.Generator(np.random.SFC64(0))

    def on(work: Callable[[Any], object], things: list[Any]) -> Callable[[int], object]:
        return lambda i: work(things[i % len(things)])

    return {
        "decode": on(decode, files),
        "read and decode": on(read, paths),
        "warp": on(lambda rgb: warp(rgb, size, config, rng), pictures),
        "recolour": on(lambda rgb: recolour(rgb, config, rng), pictures),
        "grey": on(photometric.grey, pictures),
        "blur": on(lambda rgb: photometric.blur(rgb, rng), pictures),
        "noise": on(lambda rgb: photometric.noise(rgb, rng), pictures),
        "low resolution": on(lambda rgb: photometric.low_resolution(rgb, rng), pictures),
        "occlusion": on(lambda rgb: photometric.occlude(rgb, rng), pictures),
        "is it a cut-out": on(cut_out, pictures),
        "augment, usual": on(lambda rgb: augment(rgb, size, config, rng), pictures),
        "augment, strong": on(lambda rgb: augment(rgb, size, strong, rng), pictures),
    }


def timed_stream(manifest: Any, repeats: int, *, threads: int) -> Row:
    """Returns the pictures a second of the whole stream, from files to float batches."""
    from fingerspell.config import AugmentConfig
    from fingerspell.loading.loader import training_stream

    size = (SIDE_PX, SIDE_PX)
    what = (manifest, manifest.samples, manifest.labels, size, BATCH_SIZE, AugmentConfig(), 1)
    stream = iter(training_stream(*what, threads=threads))
    next(stream)

    def some() -> None:
        deque(itertools.islice(stream, BATCHES), maxlen=0)

    return rates(some, BATCHES * BATCH_SIZE, repeats)


def rates(work: Callable[[], object], count: int, repeats: int) -> Row:
    """Returns best and median of `count` things a second, by processor and by wall seconds."""
    cpu, wall = [], []
    for _ in range(repeats):
        before, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(count / (time.process_time() - before))
        wall.append(count / (time.perf_counter() - began))
    return {
        f"{name}_{which}": round(of(taken), 4)
        for name, taken in (("cpu", cpu), ("wall", wall))
        for which, of in (("best", max), ("median", statistics.median))
    }


def training_step(stream: Row) -> dict[str, float]:
    """Returns a step's seconds without loading, and the share that one loading thread adds."""
    import keras

    from benchmarks.speed.on_gpu import batches, network

    model = network(SIDE_PX, TRAINING_STEPS, batchnorm_momentum=None)
    x, y, _ = next(batches(BATCH_SIZE, SIDE_PX))
    model.train_on_batch(x, y)
    best = rates(lambda: model.train_on_batch(x, y), 1, TRAINING_STEPS)
    step_s, loading_s = 1 / best["cpu_best"], BATCH_SIZE / stream["cpu_median"]
    return {
        "backend": keras.backend.backend(),
        "batch_size": BATCH_SIZE,
        "step_cpu_s": round(step_s, 3),
        "step_wall_s": round(1 / best["wall_best"], 3),
        "loading_cpu_s": round(loading_s, 4),
        "loading_share": round(loading_s / (step_s + loading_s), 4),
    }


def main(argv: list[str] | None = None) -> int:
    """Measures, prints the table, saves the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of class folders with JPEGs")
    parser.add_argument("--work", type=Path, default=Path("build/loader"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no_step", action="store_true", help="omit the training step")
    args = parser.parse_args(argv)
    folder = args.data or jittered_hands(args.work, PICTURES)
    figures = measure(folder.resolve(), args.repeats, not args.no_step)
    record("loader", "speed/loader", argv, figures)
    print("\n".join(tables.loader()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
