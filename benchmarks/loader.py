"""How many augmented training pictures one core gives a second, step by step, in one process.

    python benchmarks/loader.py [--data FOLDER] [--repeats 5] [--no_step]

Draws its own 200×200 JPEGs of about 10 KB (benchmarks/jittered_hands.py) unless `--data` names a
folder of class folders. Every figure is taken `--repeats` times; best and median are told, in
processor seconds (which other programs on the machine disturb least) and in wall seconds. Last
comes what a step of training takes on the same machine, and the loader's share of it. Saves
`benchmarks/results/loader.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shlex
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from circumstances import circumstances, save
from jittered_hands import jittered_hands

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
    with one_core():
        steps = {name: timed(work, repeats) for name, work in steps_of(manifest).items()}
        whole = timed_stream(manifest, repeats, threads=1)
    figures = {
        "pictures": len(manifest.samples),
        "mean_file_bytes": mean_bytes(manifest),
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
        figures["training_step"] = training_step(manifest, whole)
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


def mean_bytes(manifest: Any) -> int:
    """Returns a file's mean size; reading them all also warms the disk's cache."""
    return round(np.mean([len(manifest.absolute(s).read_bytes()) for s in manifest.samples]))


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

    paths = [
        manifest.absolute(s) for s in manifest.samples[:: max(1, len(manifest.samples) // 500)]
    ]
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


def timed(work: Callable[[int], object], repeats: int) -> Row:
    """Returns the calls a second of `work`."""
    return rates(lambda: deque(map(work, range(CALLS)), maxlen=0), CALLS, repeats)


def timed_stream(manifest: Any, repeats: int, *, threads: int) -> Row:
    """Returns the pictures a second of the whole stream, from files to float batches."""
    from fingerspell.config import AugmentConfig
    from fingerspell.loading.loader import training_stream

    size = (SIDE_PX, SIDE_PX)
    stream = iter(
        training_stream(
            manifest, manifest.samples, manifest.labels, size, BATCH_SIZE, AugmentConfig(), 1,
            threads=threads,
        )
    )  # fmt: skip
    next(stream)
    return rates(
        lambda: deque(itertools.islice(stream, BATCHES), maxlen=0), BATCHES * BATCH_SIZE, repeats
    )


def rates(work: Callable[[], object], count: int, repeats: int) -> Row:
    """Returns best and median of `count` things a second, by processor and by wall seconds."""
    cpu, wall = [], []
    for _ in range(repeats):
        before, began = time.process_time(), time.perf_counter()
        work()
        cpu.append(count / (time.process_time() - before))
        wall.append(count / (time.perf_counter() - began))
    return {
        "cpu_best": round(max(cpu), 1),
        "cpu_median": round(statistics.median(cpu), 1),
        "wall_best": round(max(wall), 1),
        "wall_median": round(statistics.median(wall), 1),
    }


def training_step(manifest: Any, stream: Row) -> dict[str, float]:
    """Returns a step's seconds without loading, and the share that one loading thread adds."""
    import keras

    from fingerspell.config import ModelConfig, TrainConfig, two_phases
    from fingerspell.model import build_recogniser, unfreeze
    from fingerspell.train.schedule import compile_for

    model = build_recogniser(ModelConfig(weights="none"), len(manifest.labels))
    unfreeze(model, "all", None)
    config = TrainConfig(dataset_dir=manifest.dataset_dir, output_dir=Path())
    compile_for(model, two_phases(2)[1], TRAINING_STEPS, config)
    x = np.random.default_rng(0).random((BATCH_SIZE, SIDE_PX, SIDE_PX, 3), np.float32)
    y = np.eye(len(manifest.labels), dtype=np.float32)[np.arange(BATCH_SIZE) % len(manifest.labels)]
    model.train_on_batch(x, y)
    cpu, wall = [], []
    for _ in range(TRAINING_STEPS):
        before, began = time.process_time(), time.perf_counter()
        model.train_on_batch(x, y)
        cpu.append(time.process_time() - before)
        wall.append(time.perf_counter() - began)
    loading_s = BATCH_SIZE / stream["cpu_median"]
    return {
        "backend": keras.backend.backend(),
        "batch_size": BATCH_SIZE,
        "step_cpu_s": round(min(cpu), 3),
        "step_wall_s": round(min(wall), 3),
        "loading_cpu_s": round(loading_s, 4),
        "loading_share": round(loading_s / (min(cpu) + loading_s), 4),
    }


def table(figures: dict[str, Any]) -> str:
    """Returns the figures for a terminal."""
    lines = [
        f"{figures['pictures']:,} pictures of {figures['mean_file_bytes']:,} bytes; a second:",
        f"{'':<22}{'cpu best':>10}{'median':>9}{'wall best':>11}{'median':>9}",
    ]
    for name, row in (*figures["steps"].items(), *figures["stream"].items()):
        lines.append(
            f"{name:<22}{row['cpu_best']:>10,.0f}{row['cpu_median']:>9,.0f}"
            f"{row['wall_best']:>11,.0f}{row['wall_median']:>9,.0f}"
        )
    if step := figures.get("training_step"):
        lines.append(
            f"a step of {step['batch_size']} pictures takes {step['step_cpu_s']} processor seconds "
            f"({step['backend']}), loading it {step['loading_cpu_s']}: "
            f"{100 * step['loading_share']:.1f} %"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measures, prints the table, saves the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of class folders with JPEGs")
    parser.add_argument("--work", type=Path, default=Path("build/loader"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no_step", action="store_true", help="leave the training step out")
    args = parser.parse_args(argv)
    folder = args.data or jittered_hands(args.work, PICTURES)
    figures = measure(folder.resolve(), args.repeats, not args.no_step)
    print(table(figures))
    given = sys.argv[1:] if argv is None else argv
    save(
        "loader",
        {**circumstances(shlex.join(["python", "benchmarks/loader.py", *given])), **figures},
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
