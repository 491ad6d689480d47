"""One training run, from top to bottom."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras

from fingerspell.config import TrainConfig
from fingerspell.data.manifest import Manifest, read_manifest, split_rule
from fingerspell.data.verify import verify
from fingerspell.errors import RunError, require
from fingerspell.labels import write_labels
from fingerspell.model import (
    build_recogniser,
    load_backbone_weights,
    look_closer,
    looks_of,
    rebuild_in_float32,
    require_layer,
    save_recogniser,
)
from fingerspell.train import checkpoint, folder
from fingerspell.train.arrays import sweep
from fingerspell.train.calibrate import calibrate
from fingerspell.train.cluster.place import place_from
from fingerspell.train.cluster.reader import Reader
from fingerspell.train.cluster.team import ALONE, Team, idle_gpus, team_at
from fingerspell.train.devices import prepare_device
from fingerspell.train.drawn import draw_samples, drawable, forget
from fingerspell.train.identity import fingerprint as fingerprint
from fingerspell.train.identity import trained_facts
from fingerspell.train.interrupt import listening
from fingerspell.train.machine import commit, machine, peak_memory_bytes, versions
from fingerspell.train.phases import run_phase
from fingerspell.train.place import teach_place
from fingerspell.train.quiet import quieten_libraries
from fingerspell.train.session import Run

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
    place = place_from(os.environ)
    if facts := trained_facts(config, manifest):
        if place.rank != 0:
            return {}
        print(f"this run is trained: its network is {config.output_dir / folder.MODEL}", flush=True)
        return facts
    team = team_at(place, config.batch_size)
    team.check_held_out(len(manifest.split("val")))
    with team.quiet():
        return _train(config, manifest, team, command)


def _train(config: TrainConfig, manifest: Manifest, team: Team, command: str) -> dict[str, Any]:
    started_s, source = time.perf_counter(), commit()
    checked = 0 if config.trust or not team.is_chief else verify(manifest)
    quieten_libraries()
    device = prepare_device()
    if idle := idle_gpus(team, len(device.gpus), device.backend):
        print(idle, flush=True)
    keras.utils.set_random_seed(config.seed)
    model = build_recogniser(config.model, len(manifest.labels))
    for phase in config.phases:
        require_layer(model, phase.unfrozen_from)
    origin = load_backbone_weights(model, config.model)

    if team.is_chief:
        folder.open_folder(config.output_dir, overwrite=config.overwrite, resume=config.resume)
    run = Run(config, manifest, model, fingerprint(config, manifest), team, started_s=started_s)
    team.agree("the run", run.fingerprint)
    team.share(config.output_dir)
    with team.chief_first():
        stored = _stored(run) if config.resume else None
    team.agree("the checkpoint", str(run.total_steps))
    if team.is_chief:
        sweep(run.checkpoints)
        origin = remember_origin(run.checkpoints, origin, resumed=stored is not None)
    with listening() as run.interrupt, _telling_how_to_go_on(config):
        with team.chief_first():
            run.manifest = with_drawn(config, manifest)
        first = stored.position.phase if stored else 0
        for index in range(first, len(config.phases)):
            run_phase(run, index, stored if index == first else None)
        _go_alone(run)
        if not team.is_chief:
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
        "drawn_pictures": len(run.manifest.samples) - len(manifest.samples),
        "device": dataclasses.asdict(device),
        "processes": team.place.world,
        "devices": team.devices,
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(run.spent_s(), 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    folder.write_json(config.output_dir / folder.RUN, facts)
    forget(_drawn_folder(config, manifest))
    return facts


def finish(run: Run) -> dict[str, Any]:
    """Lets the trained network look as its settings ask, calibrates it and saves it.

    Writes `model.keras` and the labels; returns what `run.json` says of its answers.
    """
    run.model = looking(run)
    validated = calibrate(run)
    # Rebuilt: without optimizer state the file is a quarter, and always in float32.
    save_recogniser(rebuild_in_float32(run.model), run.folder / folder.MODEL)
    write_labels(run.folder / folder.LABELS, run.manifest.labels)
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "temperature": validated.temperature,
        "threshold": validated.rejection["threshold"],
        "rejection": validated.rejection,
        "validation": {"loss": validated.loss, "accuracy": validated.accuracy},
    }


def looking(run: Run) -> keras.Model:
    """Returns the trained network, answering as its settings ask.

    One that looks closer already keeps its place.
    """
    if run.config.model.looks == "once" or looks_of(run.model) == "closer":
        return run.model
    return look_closer(run.model, teach_place(run.model, run.config.augment, run.config.seed))


def _go_alone(run: Run) -> None:
    """Brings the trained network to one device of this process, and lets the others go."""
    if run.team.devices > 1:
        with Reader(run.team, run.model).present() as network:
            run.model = network
        run.team.part_ways()
        run.team = ALONE


def remember_origin(checkpoints: Path, origin: str, *, resumed: bool) -> str:
    """Returns where the run's very first weights came from, and notes it for later sessions.

    With `--weights auto` a session that goes on offline would otherwise name another origin than
    the weights in its checkpoint have.
    """
    note = checkpoints / ORIGIN
    if resumed and note.is_file():
        return note.read_text(encoding="utf-8")
    checkpoints.mkdir(parents=True, exist_ok=True)
    folder.write_text(note, origin)
    return origin


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
