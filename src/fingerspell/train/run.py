"""One training run, from top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras

from fingerspell.config import TrainConfig
from fingerspell.dataset.manifest import Manifest, read_manifest, split_rule, verify
from fingerspell.errors import RunError, require
from fingerspell.files import write_json, write_text
from fingerspell.labels import write_labels
from fingerspell.machine import commit, machine, peak_memory_bytes, quieten_libraries, versions
from fingerspell.model import (
    build_recogniser,
    load_backbone_weights,
    rebuild_in_float32,
    require_layer,
    save_recogniser,
    views_of,
    with_hand_crop,
)
from fingerspell.train import checkpoint, run_folder
from fingerspell.train.calibrate import calibrate
from fingerspell.train.checkpoint import sweep
from fingerspell.train.devices import prepare_device
from fingerspell.train.distributed.process_group import (
    ALONE,
    ProcessGroup,
    Replica,
    idle_gpus,
    process_group_at,
    rank_from,
)
from fingerspell.train.hand_box import train_hand_box
from fingerspell.train.phases import run_phase
from fingerspell.train.session import Run, listening
from fingerspell.train.synthetic import draw_samples, drawable, forget

NO_COURSE = (
    "output_dir", "dataset_dir", "trust", "overwrite", "resume", "save_every_min",
    "save_every_steps", "recipe_file", "recipe_sha256",
)  # fmt: skip
"""Settings that do not decide how a run goes: where it lies, what it is called."""


def fingerprint(config: TrainConfig, manifest: Manifest) -> str:
    """Returns a hash of everything that decides a run's course, to refuse a foreign checkpoint."""
    return _hash_of(dataclasses.asdict(config), manifest.sha256)


def _hash_of(settings: dict[str, Any], manifest_sha256: str) -> str:
    course = {name: value for name, value in settings.items() if name not in NO_COURSE}
    text = json.dumps([course, manifest_sha256], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def trained_facts(config: TrainConfig, manifest: Manifest) -> dict[str, Any]:
    """Returns what `run.json` says of this very run, where it is to be gone on with and is trained.

    Nothing where it is not, or where the folder holds another run.
    """
    place = config.output_dir
    if not (
        config.resume
        and all((place / name).is_file() for name in (run_folder.RUN, run_folder.MODEL))
    ):
        return {}
    facts = run_folder.read_json(place / run_folder.RUN)
    there = _hash_of(facts.get("config", {}), facts.get("manifest_sha256", ""))
    return facts if there == fingerprint(config, manifest) else {}


ORIGIN = "weights_origin.txt"


def train(config: TrainConfig, command: str = "") -> dict[str, Any]:
    """Trains one recogniser into `config.output_dir` and returns what `run.json` says of it.

    Writes `model.keras` (temperature folded in), the labels, the history, TensorBoard's logs
    and `run.json`. Raises a `FingerspellError` for whatever the user can mend, before anything
    is written where possible. In one process of several (`fingerspell.train.cluster`) it trains
    with the others; the chief alone writes, and the others return nothing. A run that is to be
    gone on with, and is trained to its end, is left as it is.
    """
    manifest = read_manifest(config.dataset_dir)
    check_fits(config, manifest)
    place = rank_from(os.environ)
    if facts := trained_facts(config, manifest):
        if place.rank != 0:
            return {}
        print(
            f"this run is trained: its network is {config.output_dir / run_folder.MODEL}",
            flush=True,
        )
        return facts
    processes = process_group_at(place, config.batch_size)
    processes.check_held_out(len(manifest.split("val")))
    with processes.quiet():
        return _train(config, manifest, processes, command)


def _train(
    config: TrainConfig, manifest: Manifest, processes: ProcessGroup, command: str
) -> dict[str, Any]:
    started_s, source = time.perf_counter(), commit()
    checked = 0 if config.trust or not processes.is_rank_zero else verify(manifest)
    quieten_libraries()
    device = prepare_device()
    if idle := idle_gpus(processes, len(device.gpus), device.backend):
        print(idle, flush=True)
    keras.utils.set_random_seed(config.seed)
    model = build_recogniser(config.model, len(manifest.labels))
    for phase in config.phases:
        require_layer(model, phase.unfrozen_from)
    origin = load_backbone_weights(model, config.model)

    if processes.is_rank_zero:
        run_folder.open_folder(config.output_dir, overwrite=config.overwrite, resume=config.resume)
    run = Run(
        config, manifest, model, fingerprint(config, manifest), processes, started_s=started_s
    )
    processes.agree("the run", run.fingerprint)
    processes.share(config.output_dir)
    with processes.rank_zero_first():
        stored = _stored(run) if config.resume else None
    processes.agree("the checkpoint", str(run.total_steps))
    if processes.is_rank_zero:
        sweep(run.checkpoints)
        origin = remember_origin(run.checkpoints, origin, resumed=stored is not None)
    with listening() as run.interrupt, _telling_how_to_go_on(config):
        with processes.rank_zero_first():
            run.manifest = with_synthetic(config, manifest)
        first = stored.position.phase if stored else 0
        for index in range(first, len(config.phases)):
            run_phase(run, index, stored if index == first else None)
        _go_alone(run)
        if not processes.is_rank_zero:
            return {}
        answers = finish(run)

    facts = {
        **answers,
        "command": command,
        "config": dataclasses.asdict(config),
        "labels": list(manifest.labels),
        "weights_origin": origin,
        "manifest_sha256": manifest.sha256,
        "manifest_checked": checked > 0,
        "split_rule": split_rule(config.dataset_dir),
        "pictures": dict(Counter(s.split for s in manifest.samples)),
        "synthetic_pictures": len(run.manifest.samples) - len(manifest.samples),
        "device": dataclasses.asdict(device),
        "processes": processes.place.world,
        "devices": processes.devices,
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(run.spent_s(), 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    write_json(config.output_dir / run_folder.RUN, facts)
    forget(_synthetic_folder(config, manifest))
    return facts


def finish(run: Run) -> dict[str, Any]:
    """Lets the trained network look as its settings ask, calibrates it and saves it.

    Writes `model.keras` and the labels; returns what `run.json` says of its answers.
    """
    run.model = with_configured_views(run)
    validated = calibrate(run)
    # Rebuilt: without optimizer state the file is a quarter, and always in float32.
    save_recogniser(rebuild_in_float32(run.model), run.folder / run_folder.MODEL)
    write_labels(run.folder / run_folder.LABELS, run.manifest.labels)
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "temperature": validated.temperature,
        "threshold": validated.rejection["threshold"],
        "rejection": validated.rejection,
        "validation": {"loss": validated.loss, "accuracy": validated.accuracy},
    }


def with_configured_views(run: Run) -> keras.Model:
    """Returns the trained network, answering as its settings ask.

    One that looks closer already keeps its place.
    """
    if run.config.model.views == "single" or views_of(run.model) == "hand_crop":
        return run.model
    return with_hand_crop(run.model, train_hand_box(run.model, run.config.augment, run.config.seed))


def _go_alone(run: Run) -> None:
    """Brings the trained network to one device of this process, and lets the others go."""
    if run.processes.devices > 1:
        with Replica(run.processes, run.model).present() as network:
            run.model = network
        run.processes.shut_down()
        run.processes = ALONE


def remember_origin(checkpoints: Path, origin: str, *, resumed: bool) -> str:
    """Returns where the run's very first weights came from, and notes it for later sessions.

    With `--weights auto` a session that goes on offline would otherwise name another origin than
    the weights in its checkpoint have.
    """
    note = checkpoints / ORIGIN
    if resumed and note.is_file():
        return note.read_text(encoding="utf-8")
    checkpoints.mkdir(parents=True, exist_ok=True)
    write_text(note, origin)
    return origin


def with_synthetic(config: TrainConfig, manifest: Manifest) -> Manifest:
    """Returns the manifest with synthetic hands added to its training split, where asked for."""
    if config.synthetic_per_class == 0 or not drawable(manifest.labels):
        return manifest
    print(f"drawing {config.synthetic_per_class} hands of every class …", flush=True)
    side_px = max(config.model.image_size_px)
    synthetic = draw_samples(
        _synthetic_folder(config, manifest),
        manifest.labels,
        config.synthetic_per_class,
        config.seed,
        side_px,
    )
    return dataclasses.replace(manifest, samples=(*manifest.samples, *synthetic))


def _synthetic_folder(config: TrainConfig, manifest: Manifest) -> Path:
    """Named after the run's settings: what was drawn for others is not this run's."""
    name = f"synthetic_{fingerprint(config, manifest)[:12]}"
    return config.output_dir / run_folder.CHECKPOINTS / name


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


def _stored(run: Run) -> checkpoint.Checkpoint | None:
    """Returns where to go on from; nothing in a folder in which no run ever saved."""
    stored = checkpoint.latest(run.checkpoints)
    if stored is None:
        if (run.folder / run_folder.MODEL).exists():
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
