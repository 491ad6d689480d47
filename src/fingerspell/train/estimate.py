"""Estimates a run's time, memory and disk from a few real steps, in a temporary folder."""

import contextlib
import functools
import io
import itertools
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.config.phase import Phase
from fingerspell.config.train import SamplingConfig, TrainConfig
from fingerspell.dataset.manifest import Manifest, Sample, read_manifest, verify
from fingerspell.errors import RunError
from fingerspell.files import evenly_spaced
from fingerspell.machine import machine, peak_memory_bytes, silence_libraries
from fingerspell.model import (
    at_size,
    freeze_all,
    head_of,
    rebuild_in_float32,
    save_recogniser,
    with_views,
)
from fingerspell.model.build import build_recogniser, feature_network, size_of
from fingerspell.model.weights import load_first_weights
from fingerspell.train import checkpoint, features, phases, run_folder
from fingerspell.train.calibrate import calibrate
from fingerspell.train.devices import Device, peak_gpu_bytes, prepare_device
from fingerspell.train.features import Batch, Rows
from fingerspell.train.forecast import EXPORT, Disk, Forecast, Pace, Stage, Work, stage
from fingerspell.train.loop import compile_for, learn
from fingerspell.train.phases import run_phase
from fingerspell.train.session import Run
from fingerspell.train.state import PhaseTask
from fingerspell.train.synthetic import SOURCE, draw_samples, drawable, non_letters

_EPOCHS = 2
"""The first sets up what the second, which counts, finds ready."""

_STEPS, _GPU_STEPS = 6, 60
"""Steps of an epoch that is measured; a GPU's take milliseconds, and single ones vary."""

_EXTRACTED, _HEAD_STEPS, _CHECKED = 12, 100, 4
"""Batches through the frozen network, steps of the head, batches of validation."""

_HASHED, _DRAWN = 256, 6
"""Pictures whose hashes are checked, and classes of which one hand is drawn."""


def estimate(config: TrainConfig) -> tuple[Forecast, Device]:
    """Returns the forecast of a run of `config` on this machine, and the device it would use.

    Nothing is written to `config.output_dir`. Raises what `train` would raise before it begins.
    """
    manifest = read_manifest(config.dataset_dir)
    silence_libraries()
    device = prepare_device()
    keras.utils.set_random_seed(config.seed)
    steps = _GPU_STEPS if device.gpus else _STEPS
    folder = tempfile.TemporaryDirectory(prefix="fingerspell-", ignore_cleanup_errors=True)
    # The measured epochs print their lines as in a run; here nobody wants them.
    with folder as name, contextlib.redirect_stdout(io.StringIO()):
        return _forecast(config, manifest, Path(name), steps), device


def _forecast(config: TrainConfig, manifest: Manifest, folder: Path, steps: int) -> Forecast:
    hashing_s = _hashing_s(config, manifest)
    started_s = time.perf_counter()
    model = build_recogniser(config.model, len(manifest.labels))
    load_first_weights(model, config.model, manifest.labels)
    built_s = time.perf_counter() - started_s
    synthetic, drawing_s, synthetic_bytes = _draw(config, manifest, folder / "synthetic")
    run = Run(config, replace(manifest, samples=(*manifest.samples, *synthetic)), model, "")
    short = Run(_short(config, folder), _handful(run.manifest, config.batch_size, steps), model, "")

    stages = [Stage("start", hashing_s + built_s + drawing_s)]
    measured = _Measured(phases.cached_views(run))
    for index, phase in enumerate(config.phases):
        if phase.epochs:
            work = _work(run, phase, measured.views)
            stages.append(stage(work, _pace_of(short, index, measured)))
    stages.append(Stage("finish", _finish_s(run, short)))
    if (exporting_s := _export_s(config)) is not None:
        stages.append(Stage(EXPORT, exporting_s))
    return Forecast(
        stages=stages,
        memory_bytes=peak_memory_bytes(),
        gpu_memory_bytes=peak_gpu_bytes(),
        disk=Disk(
            checkpoint_bytes=measured.checkpoint_bytes,
            features_bytes=_extracted(run, measured.views) * phases.feature_row(run).itemsize,
            synthetic_bytes=synthetic_bytes,
            weights_bytes=4 * int(model.count_params()),
        ),
    )


def _short(config: TrainConfig, folder: Path) -> TrainConfig:
    """Returns the same run with two epochs a phase and the default sampling."""
    phases = tuple(
        replace(phase, epochs=_EPOCHS if phase.epochs else 0, patience_epochs=0)
        for phase in config.phases
    )
    return replace(config, output_dir=folder, phases=phases, sampling=SamplingConfig())


def _handful(manifest: Manifest, batch_size: int, steps: int) -> Manifest:
    """Returns the manifest with as many evenly spaced pictures as the measured epochs need."""
    training = evenly_spaced(manifest.split("train"), steps * batch_size)
    validation = evenly_spaced(manifest.split("val"), _CHECKED * batch_size)
    return replace(manifest, samples=(*training, *validation))


def _hashing_s(config: TrainConfig, manifest: Manifest) -> float:
    """Returns the seconds of hashing all pictures, extrapolated from a few."""
    if config.trust:
        return 0.0
    count = min(_HASHED, len(manifest.samples))
    started_s = time.perf_counter()
    verify(replace(manifest, samples=tuple(evenly_spaced(manifest.samples, count))))
    return (time.perf_counter() - started_s) * len(manifest.samples) / count


def _draw(config: TrainConfig, manifest: Manifest, folder: Path) -> tuple[list[Sample], float, int]:
    """Renders a few hands; returns samples for all that a run renders, their seconds and bytes."""
    labels = drawable(manifest.labels)
    if config.synthetic_per_class == 0 or not labels:
        return [], 0.0, 0
    count = min(_DRAWN, len(labels))
    chosen = tuple(evenly_spaced(labels, count))
    started_s = time.perf_counter()
    synthetic = draw_samples(folder, chosen, 1, config.seed, max(config.model.image_size_px))
    share = len(labels) * config.synthetic_per_class / len(synthetic)
    seconds = (time.perf_counter() - started_s) * share
    written = sum(Path(sample.path).stat().st_size for sample in synthetic) * share
    samples = [
        replace(synthetic[number % len(synthetic)], label=label, group=f"{SOURCE}/{label}/{number}")
        for label in labels
        for number in range(config.synthetic_per_class)
    ]
    return samples, seconds, round(written)


def _work(run: Run, phase: Phase, views: int) -> Work:
    frozen = phase.unfrozen_from is None
    return Work(
        name=phase.name,
        epochs=phase.epochs,
        steps=run.steps() * (run.config.feature_views if frozen else 1),
        validation=len(run.manifest.split("val")),
        extracted=_extracted(run, views) if frozen else 0,
    )


def _extracted(run: Run, views: int) -> int:
    """Returns how many pictures have their features cached: all views, and validation's."""
    frozen = any(phase.unfrozen_from is None and phase.epochs for phase in run.config.phases)
    if not (views and frozen):
        return 0
    return run.steps() * run.config.batch_size * views + len(run.manifest.split("val"))


def _finish_s(run: Run, short: Run) -> float:
    """Returns the seconds of fitting temperature and threshold, and of saving the network.

    Rendering the non-letters takes the same time for any number of validation pictures.
    """
    started_s = time.perf_counter()
    labels, size_px = short.manifest.labels, short.config.model.image_size_px
    short.model = with_views(short.model, size_px, None)
    stream = functools.partial(phases.validation_stream, short, size_px)
    calibrate(short, stream, non_letters(labels, size_px, short.config.seed))
    fitted_s = time.perf_counter() - started_s
    measured, total = len(short.manifest.split("val")), len(run.manifest.split("val"))
    # Once more, with predicting set up: what is left is the time of the pictures.
    predicting_s = time.perf_counter()
    for augment in (None, short.config.augment):
        short.model.predict(stream(augment), steps=short.validation_steps(), verbose=0)
    per_picture_s = (time.perf_counter() - predicting_s) / measured
    saved_s = time.perf_counter()
    save_recogniser(rebuild_in_float32(short.model), short.folder / run_folder.MODEL)
    saving_s = time.perf_counter() - saved_s
    return fitted_s + max(0, total - measured) * per_picture_s + saving_s


def _export_s(config: TrainConfig) -> float | None:
    """Returns what exporting took the run in `output_dir`; None where none was exported there.

    A run counts that had the same network on this machine: the time hangs on nothing else.
    """
    try:
        facts = run_folder.read_run(config.output_dir)
    except RunError:
        return None
    here, there = asdict(config.model), facts["config"]["model"]
    alike = (
        all(there.get(x) == here[x] for x in ("backbone", "views", "network_px"))
        and facts["machine"] == machine()
    )
    if not alike or tuple(there["image_size_px"]) != here["image_size_px"]:
        return None
    return float(facts["export_s"]) if "export_s" in facts else None


@dataclass(slots=True)
class _Measured:
    """Measurements beside the times of the stages.

    `views` is how many of each picture's views the frozen phases' cache holds, 0 without one.
    """

    views: int
    paces: dict[tuple[Any, ...], Pace] = field(default_factory=dict)
    checkpoint_bytes: int = 0


def _pace_of(short: Run, index: int, measured: _Measured) -> Pace:
    """Measures a phase, once for all phases that compute alike."""
    phase = short.config.phases[index]
    key = (phase.unfrozen_from, phase.batchnorm_momentum, phase.image_size_px)
    if key not in measured.paces:
        cached = phase.unfrozen_from is None and measured.views > 0
        measure = _cached_pace if cached else _pictures_pace
        measured.paces[key] = measure(short, index, measured)
    return measured.paces[key]


def _pictures_pace(short: Run, index: int, measured: _Measured) -> Pace:
    if short.config.phases[index].unfrozen_from is None:
        short.config = replace(short.config, feature_cache_bytes=0)
    started_s = time.perf_counter()
    run_phase(short, index, None)
    taken_s = time.perf_counter() - started_s
    again = short.config.feature_views if short.config.phases[index].unfrozen_from is None else 1
    steps, validated = short.steps() * again, len(short.manifest.split("val"))
    return _read_pace(short, validated, steps, taken_s, measured)


def _cached_pace(short: Run, index: int, measured: _Measured) -> Pace:
    """Measures computing features, and training the head on them repeatedly."""
    config, phase = short.config, short.config.phases[index]
    model = at_size(short.model, phase.image_size_px or size_of(short.model))
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
    stream = phases.training_stream(short, size_of(model), 0)
    seen = features.extract(
        feature_network(model),
        itertools.islice(stream, _EXTRACTED),
        config.batch_size,
        lambda _: stamps.append(time.perf_counter()),
    )
    half = _EXTRACTED // 2
    return seen, (stamps[-1] - stamps[half]) / ((_EXTRACTED - 1 - half) * config.batch_size)


def _read_pace(short: Run, validated: int, steps: int, taken_s: float, measured: _Measured) -> Pace:
    """Returns the pace of the phase that has just been trained, from its last epoch."""
    row = short.rows[-1]
    trained_s = steps * short.config.batch_size / row.pictures_per_s
    save_s = _save_s(short, measured)
    return Pace(
        setup_s=max(0.0, taken_s - _EPOCHS * (row.seconds + save_s)),
        step_s=trained_s / steps,
        check_s=max(0.0, row.seconds - trained_s) / validated,
        save_s=save_s,
    )


def _save_s(short: Run, measured: _Measured) -> float:
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
