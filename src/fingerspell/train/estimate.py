"""Measures a handful of real training steps on this machine, in a folder that is thrown away."""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras

from fingerspell.config import Phase, SamplingConfig, TrainConfig
from fingerspell.dataset.manifest import Manifest, Sample, read_manifest, verify
from fingerspell.files import evenly_spaced
from fingerspell.machine import peak_memory_bytes, quieten_libraries
from fingerspell.model import (
    build_recogniser,
    head_of,
    load_backbone_weights,
    rebuild_in_float32,
    save_recogniser,
)
from fingerspell.train import features, run_folder
from fingerspell.train.calibrate import calibrate
from fingerspell.train.devices import Device, peak_gpu_bytes, prepare_device
from fingerspell.train.forecast import Disk, Forecast, Stage, Work, stage
from fingerspell.train.pace import CHECKED, EPOCHS, GPU_STEPS, STEPS, Measured, pace_of
from fingerspell.train.phases import validation_stream
from fingerspell.train.run import check_fits
from fingerspell.train.session import Run
from fingerspell.train.synthetic import SOURCE, draw_samples, drawable

HASHED, DRAWN = 256, 6
"""Pictures whose hashes are checked, and classes of which one hand is drawn."""


def estimate(config: TrainConfig) -> tuple[Forecast, Device]:
    """Returns what a run of `config` needs here, and where it would compute.

    Nothing is written to `config.output_dir`. Raises what `train` would raise before it begins.
    """
    manifest = read_manifest(config.dataset_dir)
    check_fits(config, manifest)
    quieten_libraries()
    device = prepare_device()
    keras.utils.set_random_seed(config.seed)
    steps = GPU_STEPS if device.gpus else STEPS
    place = tempfile.TemporaryDirectory(prefix="fingerspell-", ignore_cleanup_errors=True)
    # The measured epochs tell of themselves as a run does; here they are no news.
    with place as name, contextlib.redirect_stdout(io.StringIO()):
        return _forecast(config, manifest, Path(name), steps), device


def _forecast(config: TrainConfig, manifest: Manifest, place: Path, steps: int) -> Forecast:
    hashing_s = _hashing_s(config, manifest)
    started_s = time.perf_counter()
    model = build_recogniser(config.model, len(manifest.labels))
    load_backbone_weights(model, config.model)
    built_s = time.perf_counter() - started_s
    synthetic, drawing_s, synthetic_bytes = _draw(config, manifest, place / "synthetic")
    run = Run(config, replace(manifest, samples=(*manifest.samples, *synthetic)), model, "")
    short = Run(_short(config, place), handful(run.manifest, config.batch_size, steps), model, "")

    stages = [Stage("start", hashing_s + built_s + drawing_s)]
    measured = Measured(_views(run))
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
            features_bytes=_looked_at(run, measured.views) * _row_bytes(run),
            synthetic_bytes=synthetic_bytes,
            weights_bytes=4 * int(model.count_params()),
        ),
    )


def _short(config: TrainConfig, place: Path) -> TrainConfig:
    """Returns the same run with two epochs a phase, of pictures that all count once."""
    phases = tuple(
        replace(phase, epochs=EPOCHS if phase.epochs else 0, patience_epochs=0)
        for phase in config.phases
    )
    return replace(config, output_dir=place, phases=phases, sampling=SamplingConfig())


def handful(manifest: Manifest, batch_size: int, steps: int) -> Manifest:
    """Returns the manifest with as many pictures as the measured epochs need, evenly spread."""
    training = evenly_spaced(manifest.split("train"), steps * batch_size)
    validation = evenly_spaced(manifest.split("val"), CHECKED * batch_size)
    return replace(manifest, samples=(*training, *validation))


def _hashing_s(config: TrainConfig, manifest: Manifest) -> float:
    """Returns how long checking all pictures' hashes takes, after the few that are checked here."""
    if config.trust:
        return 0.0
    count = min(HASHED, len(manifest.samples))
    started_s = time.perf_counter()
    verify(replace(manifest, samples=tuple(evenly_spaced(manifest.samples, count))))
    return (time.perf_counter() - started_s) * len(manifest.samples) / count


def _draw(config: TrainConfig, manifest: Manifest, place: Path) -> tuple[list[Sample], float, int]:
    """Draws a few hands; returns samples for all that a run draws, their seconds and bytes."""
    labels = drawable(manifest.labels)
    if config.synthetic_per_class == 0 or not labels:
        return [], 0.0, 0
    count = min(DRAWN, len(labels))
    chosen = tuple(evenly_spaced(labels, count))
    started_s = time.perf_counter()
    synthetic = draw_samples(place, chosen, 1, config.seed, max(config.model.image_size_px))
    share = len(labels) * config.synthetic_per_class / len(synthetic)
    seconds = (time.perf_counter() - started_s) * share
    written = sum(Path(sample.path).stat().st_size for sample in synthetic) * share
    samples = [
        replace(synthetic[number % len(synthetic)], label=label, group=f"{SOURCE}/{label}/{number}")
        for label in labels
        for number in range(config.synthetic_per_class)
    ]
    return samples, seconds, round(written)


def _row_bytes(run: Run) -> int:
    width = int(head_of(run.model).input_shape[-1])
    return features.row_of(width, len(run.manifest.labels)).itemsize


def _views(run: Run) -> int:
    config, row_bytes = run.config, _row_bytes(run)
    return features.affordable_views(
        config.feature_views,
        config.feature_cache_bytes,
        run.steps() * config.batch_size * row_bytes,
        len(run.manifest.split("val")) * row_bytes,
    )


def _looked_at(run: Run, views: int) -> int:
    """Returns how many pictures the frozen network looks at: all views, and validation's."""
    frozen = any(phase.unfrozen_from is None and phase.epochs for phase in run.config.phases)
    if not (views and frozen):
        return 0
    return run.steps() * run.config.batch_size * views + len(run.manifest.split("val"))


def _work(run: Run, phase: Phase, views: int) -> Work:
    frozen = phase.unfrozen_from is None
    return Work(
        name=phase.name,
        epochs=phase.epochs,
        steps=run.steps() * (run.config.feature_views if frozen else 1),
        validation=len(run.manifest.split("val")),
        looked_at=_looked_at(run, views) if frozen else 0,
    )


def _finish_s(run: Run, short: Run) -> float:
    """Returns the seconds of fitting temperature and threshold, and of saving the network.

    Hands that are no letter are drawn once, however many pictures validation has.
    """
    started_s = time.perf_counter()
    calibrate(short)
    fitted_s = time.perf_counter() - started_s
    few, all_of_them = len(short.manifest.split("val")), len(run.manifest.split("val"))
    # Once more, now that predicting is set up: what is left is the pictures' own time.
    looked_s = time.perf_counter()
    for augment in (None, short.config.augment):
        held_out = validation_stream(short, short.config.model.image_size_px, augment)
        short.model.predict(held_out, steps=short.validation_steps(), verbose=0)
    per_picture_s = (time.perf_counter() - looked_s) / few
    saved_s = time.perf_counter()
    save_recogniser(rebuild_in_float32(short.model), short.folder / run_folder.MODEL)
    saving_s = time.perf_counter() - saved_s
    return fitted_s + max(0, all_of_them - few) * per_picture_s + saving_s
