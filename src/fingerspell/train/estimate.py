"""Estimates a run's time, memory and disk from a few real steps, in a temporary folder."""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras

from fingerspell.config.augment import SamplingConfig
from fingerspell.config.phase import Phase
from fingerspell.config.train import TrainConfig
from fingerspell.dataset.manifest import Manifest, Sample, read_manifest, verify
from fingerspell.files import evenly_spaced
from fingerspell.machine import peak_memory_bytes, silence_libraries
from fingerspell.model import load_backbone_weights, rebuild_in_float32, save_recogniser
from fingerspell.model.build import build_recogniser
from fingerspell.train import run_folder
from fingerspell.train.calibrate import calibrate
from fingerspell.train.devices import Device, peak_gpu_bytes, prepare_device
from fingerspell.train.forecast import Disk, Forecast, Stage, Work, stage
from fingerspell.train.pace import CHECKED, EPOCHS, GPU_STEPS, STEPS, Measured, pace_of
from fingerspell.train.phases import cached_views, feature_row, validation_stream
from fingerspell.train.run import check_batch
from fingerspell.train.session import Run
from fingerspell.train.synthetic import SOURCE, draw_samples, drawable, non_letters

_HASHED, _DRAWN = 256, 6
"""Pictures whose hashes are checked, and classes of which one hand is drawn."""


def estimate(config: TrainConfig) -> tuple[Forecast, Device]:
    """Returns the forecast of a run of `config` on this machine, and the device it would use.

    Nothing is written to `config.output_dir`. Raises what `train` would raise before it begins.
    """
    manifest = read_manifest(config.dataset_dir)
    check_batch(config.batch_size, manifest)
    silence_libraries()
    device = prepare_device()
    keras.utils.set_random_seed(config.seed)
    steps = GPU_STEPS if device.gpus else STEPS
    folder = tempfile.TemporaryDirectory(prefix="fingerspell-", ignore_cleanup_errors=True)
    # The measured epochs print their lines as in a run; here nobody wants them.
    with folder as name, contextlib.redirect_stdout(io.StringIO()):
        return _forecast(config, manifest, Path(name), steps), device


def _forecast(config: TrainConfig, manifest: Manifest, folder: Path, steps: int) -> Forecast:
    hashing_s = _hashing_s(config, manifest)
    started_s = time.perf_counter()
    model = build_recogniser(config.model, len(manifest.labels))
    load_backbone_weights(model, config.model)
    built_s = time.perf_counter() - started_s
    synthetic, drawing_s, synthetic_bytes = _draw(config, manifest, folder / "synthetic")
    run = Run(config, replace(manifest, samples=(*manifest.samples, *synthetic)), model, "")
    short = Run(_short(config, folder), _handful(run.manifest, config.batch_size, steps), model, "")

    stages = [Stage("start", hashing_s + built_s + drawing_s)]
    measured = Measured(cached_views(run))
    for index, phase in enumerate(config.phases):
        if phase.epochs:
            work = _work(run, phase, measured.views)
            stages.append(stage(work, pace_of(short, index, measured)))
    stages.append(Stage("finish", _finish_s(run, short)))
    return Forecast(
        stages=stages,
        memory_bytes=peak_memory_bytes(),
        gpu_memory_bytes=peak_gpu_bytes(),
        disk=Disk(
            checkpoint_bytes=measured.checkpoint_bytes,
            features_bytes=_extracted(run, measured.views) * feature_row(run).itemsize,
            synthetic_bytes=synthetic_bytes,
            weights_bytes=4 * int(model.count_params()),
        ),
    )


def _short(config: TrainConfig, folder: Path) -> TrainConfig:
    """Returns the same run with two epochs a phase and the default sampling."""
    phases = tuple(
        replace(phase, epochs=EPOCHS if phase.epochs else 0, patience_epochs=0)
        for phase in config.phases
    )
    return replace(config, output_dir=folder, phases=phases, sampling=SamplingConfig())


def _handful(manifest: Manifest, batch_size: int, steps: int) -> Manifest:
    """Returns the manifest with as many evenly spaced pictures as the measured epochs need."""
    training = evenly_spaced(manifest.split("train"), steps * batch_size)
    validation = evenly_spaced(manifest.split("val"), CHECKED * batch_size)
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
    stream = functools.partial(validation_stream, short, size_px)
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
