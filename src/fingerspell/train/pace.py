"""Measures how fast this machine trains a phase, on a few real steps."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.model import at_size, freeze_all, head_of, size_of
from fingerspell.model.build import feature_network
from fingerspell.train import checkpoint, features
from fingerspell.train.features import Batch, Rows
from fingerspell.train.forecast import Pace
from fingerspell.train.loop import compile_for, learn
from fingerspell.train.phases import run_phase, training_stream
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask

EPOCHS = 2
"""The first sets up what the second, which counts, finds ready."""

STEPS, GPU_STEPS = 6, 60
"""Steps of an epoch that is measured; a GPU's take milliseconds, and single ones vary."""

_EXTRACTED, _HEAD_STEPS, CHECKED = 12, 100, 4
"""Batches through the frozen network, steps of the head, batches of validation."""


@dataclass(slots=True)
class Measured:
    """Measurements beside the times of the stages.

    `views` is how many of each picture's views the frozen phases' cache holds, 0 without one.
    """

    views: int
    paces: dict[tuple[Any, ...], Pace] = field(default_factory=dict)
    checkpoint_bytes: int = 0


def pace_of(short: Run, index: int, measured: Measured) -> Pace:
    """Measures a phase, once for all phases that compute alike."""
    phase = short.config.phases[index]
    key = (phase.unfrozen_from, phase.batchnorm_momentum, phase.image_size_px)
    if key not in measured.paces:
        cached = phase.unfrozen_from is None and measured.views > 0
        measure = _cached_pace if cached else _pictures_pace
        measured.paces[key] = measure(short, index, measured)
    return measured.paces[key]


def _pictures_pace(short: Run, index: int, measured: Measured) -> Pace:
    if short.config.phases[index].unfrozen_from is None:
        short.config = replace(short.config, feature_cache_bytes=0)
    started_s = time.perf_counter()
    run_phase(short, index, None)
    taken_s = time.perf_counter() - started_s
    again = short.config.feature_views if short.config.phases[index].unfrozen_from is None else 1
    steps, validated = short.steps() * again, len(short.manifest.split("val"))
    return _read_pace(short, validated, steps, taken_s, measured)


def _cached_pace(short: Run, index: int, measured: Measured) -> Pace:
    """Measures computing features, and training the head on them repeatedly."""
    config, phase = short.config, short.config.phases[index]
    model = at_size(short.model, phase.image_size_px or config.model.image_size_px)
    freeze_all(model)
    started_s = time.perf_counter()
    seen, picture_s = _extract(short, model)
    extracting_s = time.perf_counter() - started_s

    rows = Rows([seen[np.arange(_HEAD_STEPS * config.batch_size) % len(seen)]])
    head = head_of(model)
    compile_for(head, phase, _HEAD_STEPS, config)

    def batches(first_step: int) -> Iterator[Batch]:
        return features.shuffled(rows, config.batch_size, config.seed, first_step)

    def validate() -> dict[str, float]:
        held_out = features.in_order(rows, config.batch_size)
        return dict(head.evaluate(held_out, steps=_HEAD_STEPS, verbose=0, return_dict=True))

    started_s = time.perf_counter()
    learn(short, PhaseTask(model, head, phase, index, _HEAD_STEPS, batches, validate), None)
    taken_s = time.perf_counter() - started_s
    pace = _read_pace(short, len(rows), _HEAD_STEPS, taken_s, measured)
    return replace(
        pace,
        extract_s=picture_s,
        setup_s=pace.setup_s + max(0.0, extracting_s - len(seen) * picture_s),
    )


def _extract(short: Run, model: keras.Model) -> tuple[NDArray[Any], float]:
    """Returns features of a few batches, and the seconds a picture took.

    The second half of the batches counts: the first are read ahead while the network is set up.
    """
    config = short.config
    stamps: list[float] = []
    stream = training_stream(short, size_of(model), 0)
    seen = features.extract(
        feature_network(model),
        itertools.islice(stream, _EXTRACTED),
        config.batch_size,
        lambda _: stamps.append(time.perf_counter()),
    )
    half = _EXTRACTED // 2
    return seen, (stamps[-1] - stamps[half]) / ((_EXTRACTED - 1 - half) * config.batch_size)


def _read_pace(short: Run, validated: int, steps: int, taken_s: float, measured: Measured) -> Pace:
    """Returns the pace of the phase that has just been trained, from its last epoch."""
    row = short.rows[-1]
    trained_s = steps * short.config.batch_size / row.pictures_per_s
    save_s = _save_s(short, measured)
    return Pace(
        setup_s=max(0.0, taken_s - EPOCHS * (row.seconds + save_s)),
        step_s=trained_s / steps,
        check_s=max(0.0, row.seconds - trained_s) / validated,
        save_s=save_s,
    )


def _save_s(short: Run, measured: Measured) -> float:
    """Returns the seconds that a checkpoint takes, by writing the newest once more."""
    stored = checkpoint.latest(short.checkpoints)
    if stored is None:
        return 0.0
    started_s = time.perf_counter()
    checkpoint.save(short.folder / "again", stored)
    taken_s = time.perf_counter() - started_s
    size = max(path.stat().st_size for path in (short.folder / "again").iterdir())
    measured.checkpoint_bytes = max(measured.checkpoint_bytes, size)
    return taken_s
