"""One training run, from top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fingerspell.config import TrainConfig
from fingerspell.data.manifest import Manifest, read_manifest, split_rule
from fingerspell.data.verify import verify
from fingerspell.errors import RunError, require
from fingerspell.evaluate.calibration import fit_temperature
from fingerspell.labels import write_labels
from fingerspell.model import (
    build_recogniser,
    fold_temperature,
    load_backbone_weights,
    rebuild_in_float32,
    save_recogniser,
)
from fingerspell.train import checkpoint, folder
from fingerspell.train.arrays import sweep
from fingerspell.train.devices import prepare_device
from fingerspell.train.drawn import draw_samples, drawable, forget
from fingerspell.train.interrupt import listening
from fingerspell.train.machine import commit, machine, peak_memory_bytes, versions
from fingerspell.train.phases import run_phase, validation_stream
from fingerspell.train.quiet import quieten_libraries
from fingerspell.train.session import Run


def train(config: TrainConfig, command: str = "") -> dict[str, Any]:
    """Trains one recogniser into `config.output_dir` and returns what `run.json` says of it.

    Writes `model.keras` (temperature folded in), the labels, the history, TensorBoard's logs
    and `run.json`. Raises a `FingerspellError` for whatever the user can mend, before anything
    is written where possible.
    """
    started_s, source = time.perf_counter(), commit()
    manifest = read_manifest(config.dataset_dir)
    check_fits(config, manifest)
    checked = 0 if config.trust else verify(manifest)
    quieten_libraries()
    device = prepare_device()
    keras.utils.set_random_seed(config.seed)
    model = build_recogniser(config.model, len(manifest.labels))
    origin = load_backbone_weights(model, config.model)

    folder.open_folder(config.output_dir, overwrite=config.overwrite, resume=config.resume)
    run = Run(config, manifest, model, fingerprint(config, manifest), started_s=started_s)
    stored = _stored(run) if config.resume else None
    sweep(run.checkpoints)
    with listening() as run.interrupt, _telling_how_to_go_on(config):
        run.manifest = with_drawn(config, manifest)
        first = stored.position.phase if stored else 0
        for index in range(first, len(config.phases)):
            run_phase(run, index, stored if index == first else None)
        temperature = calibrate(run)

    # Rebuilt: without optimizer state the file is a quarter, and always in float32.
    save_recogniser(rebuild_in_float32(model), config.output_dir / folder.MODEL)
    write_labels(config.output_dir / folder.LABELS, manifest.labels)
    facts = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "config": dataclasses.asdict(config),
        "labels": list(manifest.labels),
        "weights_origin": origin,
        "temperature": temperature,
        "manifest_sha256": manifest.sha256,
        "manifest_checked": checked > 0,
        "split_rule": split_rule(config.dataset_dir),
        "pictures": dict(Counter(s.split for s in manifest.samples)),
        "drawn_pictures": len(run.manifest.samples) - len(manifest.samples),
        "device": dataclasses.asdict(device),
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(run.spent_s(), 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    folder.write_json(config.output_dir / folder.RUN, facts)
    forget(_drawn_folder(config, manifest))
    return facts


def with_drawn(config: TrainConfig, manifest: Manifest) -> Manifest:
    """Returns the manifest with drawn hands added to its training split, where asked for."""
    if config.drawn_per_class == 0 or not drawable(manifest.labels):
        return manifest
    print(f"drawing {config.drawn_per_class} hands of every class …", flush=True)
    side_px = max(config.model.image_size_px)
    drawn = draw_samples(
        _drawn_folder(config, manifest),
        manifest.labels,
        config.drawn_per_class,
        config.seed,
        side_px,
    )
    return dataclasses.replace(manifest, samples=(*manifest.samples, *drawn))


def _drawn_folder(config: TrainConfig, manifest: Manifest) -> Path:
    """Named after the run's settings: what was drawn for others is not this run's."""
    name = f"drawn_{fingerprint(config, manifest)[:12]}"
    return config.output_dir / folder.CHECKPOINTS / name


def check_fits(config: TrainConfig, manifest: Manifest) -> None:
    """Refuses a batch larger than the smallest class: its steps would hardly ever see it."""
    counts = Counter(s.label for s in manifest.split("train"))
    rarest = min(manifest.labels, key=lambda label: counts[label])
    require(
        config.batch_size <= counts[rarest],
        found=f"batch_size={config.batch_size}, but class {rarest!r} has only "
        f"{counts[rarest]} training pictures",
        expected="a batch no larger than the smallest class",
        fix=f"use --batch_size {max(1, counts[rarest])} or less, or add pictures of {rarest!r}",
    )


def fingerprint(config: TrainConfig, manifest: Manifest) -> str:
    """Returns a hash of everything that decides a run's course, to refuse a foreign checkpoint."""
    course = dataclasses.asdict(config)
    for name in ("output_dir", "dataset_dir", "trust", "overwrite", "resume", "save_every_min"):
        course.pop(name)
    text = json.dumps([course, manifest.sha256], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _stored(run: Run) -> checkpoint.Checkpoint | None:
    """Returns where to go on from; nothing in a folder in which no run ever saved."""
    stored = checkpoint.latest(run.checkpoints)
    if stored is None:
        if (run.folder / folder.MODEL).exists():
            raise RunError(
                found=f"{run.folder} holds a finished run without its checkpoints",
                expected="checkpoints/ beside it, to go on with --resume",
                fix="replace it by --overwrite, or choose another --output_dir",
            )
        return None
    position = stored.position
    if position.fingerprint != run.fingerprint:
        raise RunError(
            found="a checkpoint of a run with other settings or another data set",
            expected="the same command and data as before, to go on with --resume",
            fix="repeat the old options, or start afresh with --overwrite",
        )
    run.go_on_from(stored)
    name = run.config.phases[position.phase].name
    print(f"going on with {name} after epoch {position.epoch}, step {position.step}", flush=True)
    return stored


@contextlib.contextmanager
def _telling_how_to_go_on(config: TrainConfig) -> Iterator[None]:
    option = "--resume in place of --overwrite" if config.overwrite else "--resume"
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            f"{str(stop) or 'stopped'}; to go on: the same command with {option}"
        ) from None


def calibrate(run: Run) -> float:
    """Fits the temperature on the validation split and folds it into the last layer."""
    validation = run.manifest.split("val")
    index = {label: i for i, label in enumerate(run.manifest.labels)}
    truth = np.array([index[sample.label] for sample in validation])
    stream = validation_stream(run)
    probabilities = run.model.predict(stream, steps=run.validation_steps(), verbose=0)
    temperature = fit_temperature(probabilities, truth)
    fold_temperature(run.model, temperature)
    return temperature
