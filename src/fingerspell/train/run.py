"""One training run, from top to bottom: data, network, phases, calibration, run folder."""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import keras

from fingerspell.config.train import TrainConfig
from fingerspell.dataset.manifest import Manifest, read_manifest, split_rule, verify
from fingerspell.errors import RunError
from fingerspell.files import write_json
from fingerspell.labels import LABELS_FILE, write_labels
from fingerspell.machine import commit, machine, peak_memory_bytes, silence_libraries, versions
from fingerspell.model import load_first_weights, rebuild_in_float32, save_recogniser
from fingerspell.model.build import build_recogniser, require_layer
from fingerspell.model.hand_crop import views_of, with_views
from fingerspell.train import checkpoint, run_folder
from fingerspell.train.calibrate import calibrate
from fingerspell.train.devices import prepare_device
from fingerspell.train.distributed import process_group
from fingerspell.train.distributed.process_group import ALONE, ProcessGroup
from fingerspell.train.distributed.rank import rank_from
from fingerspell.train.distributed.replica import Replica
from fingerspell.train.hand_box import train_hand_box
from fingerspell.train.phases import run_phase, validation_stream
from fingerspell.train.session import Run, handle_signals
from fingerspell.train.synthetic import SOURCE, non_letters, remove_drawn, with_synthetic

_WITHOUT_EFFECT = (
    "output_dir", "dataset_dir", "trust", "overwrite", "resume", "save_every_min",
    "save_every_steps", "recipe_file", "recipe_sha256",
)  # fmt: skip
"""Settings that do not change a run's result: its folders, and when it saves."""


def train(config: TrainConfig, manifest: Manifest, command: str = "") -> dict[str, Any]:
    """Trains one recogniser into `config.output_dir` and returns the content of its `run.json`.

    Writes `model.keras` (temperature folded in), the labels, the history, TensorBoard's logs and
    `run.json`. Raises a `FingerspellError` for whatever the user can mend, where possible before
    anything is written. In one process of several (`fingerspell.train.distributed`) it trains with
    the others; rank 0 alone writes, and the others return an empty dict. With `config.resume`, a
    run that is finished stays as it is.
    """
    rank = rank_from(os.environ)
    if facts := trained_facts(config, manifest):
        if rank.rank != 0:
            return {}
        print(f"this run is trained: its network is {config.output_dir / run_folder.MODEL}",
              flush=True)  # fmt: skip
        return facts
    processes = process_group.join_process_group(rank, config.batch_size)
    processes.check_held_out(len(manifest.split("val")))
    with processes.silence_others():
        return _train(config, manifest, processes, command)


def train_in_process(config: TrainConfig, command: str) -> dict[str, Any]:
    """Reads the data set and trains: what each process of a distributed run calls."""
    return train(config, read_manifest(config.dataset_dir), command)


def _train(
    config: TrainConfig, manifest: Manifest, processes: ProcessGroup, command: str
) -> dict[str, Any]:
    started_s, source = time.perf_counter(), commit()
    checked = 0 if config.trust or not processes.is_rank_zero else verify(manifest)
    silence_libraries()
    device = prepare_device()
    if idle := process_group.idle_gpus(processes, len(device.gpus), device.backend):
        print(idle, flush=True)
    keras.utils.set_random_seed(config.seed)
    model = build_recogniser(config.model, len(manifest.labels))
    for phase in config.phases:
        require_layer(model, phase.unfrozen_from)
    origin = load_first_weights(model, config.model, manifest.labels)

    if processes.is_rank_zero:
        run_folder.open_folder(config.output_dir, overwrite=config.overwrite, resume=config.resume)
    run = Run(
        config, manifest, model, fingerprint(config, manifest), processes, started_s=started_s
    )
    processes.agree("the run", run.fingerprint)
    processes.check_shared(run.folder)
    with processes.rank_zero_first():
        stored = _stored(run) if config.resume else None
    processes.agree("the checkpoint", str(run.total_steps))
    if processes.is_rank_zero:
        checkpoint.remove_unfinished(run.checkpoints)
        origin = run_folder.remember_origin(run.checkpoints, origin, resumed=stored is not None)
    with handle_signals() as run.interrupt, _resume_advice(config.overwrite):
        with processes.rank_zero_first():
            run.manifest = with_synthetic(
                manifest,
                run.synthetic,
                config.synthetic_per_class,
                config.seed,
                max(config.model.image_size_px),
            )
        first = stored.position.phase if stored else 0
        for index in range(first, len(config.phases)):
            run_phase(run, index, stored if index == first else None)
        _leave_process_group(run)
        if not processes.is_rank_zero:
            return {}
        answers = _finish(run)

    facts = {
        **answers,
        "command": command,
        "config": dataclasses.asdict(config),
        "labels": list(manifest.labels),
        "weights_origin": origin,
        "manifest_sha256": manifest.sha256,
        "manifest_checked": checked > 0,
        "split_rule": split_rule(manifest.dataset_dir),
        "pictures": dict(Counter(s.split for s in manifest.samples)),
        "synthetic_pictures": len(run.manifest.samples) - len(manifest.samples),
        "device": dataclasses.asdict(device),
        "processes": processes.rank.world,
        "devices": processes.devices,
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(run.spent_s(), 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    write_json(run.folder / run_folder.RUN, facts)
    remove_drawn(run.synthetic)
    return facts


def _finish(run: Run) -> dict[str, Any]:
    """Adds the configured views, calibrates and saves the network; returns its part of `run.json`.

    Writes `model.keras` and the labels.
    """
    run.model = _with_configured_views(run)
    config, labels = run.config, run.manifest.labels
    size_px = config.model.image_size_px
    calibration = calibrate(
        run,
        functools.partial(validation_stream, run, size_px),
        non_letters(labels, size_px, config.seed),
    )
    # Rebuilt: without optimizer state the file is a quarter, and always in float32.
    save_recogniser(rebuild_in_float32(run.model), run.folder / run_folder.MODEL)
    write_labels(run.folder / LABELS_FILE, labels)
    if not (run.folder / run_folder.HISTORY).exists():  # Without an epoch there are no curves.
        write_json(run.folder / run_folder.HISTORY, checkpoint.to_columns(()))
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "temperature": calibration.temperature,
        "threshold": calibration.rejection["threshold"],
        "rejection": calibration.rejection,
        "validation": {"loss": calibration.loss, "accuracy": calibration.accuracy},
    }


def _with_configured_views(run: Run) -> keras.Model:
    """Returns the trained network with the views and the picture size of its configuration.

    One that has a hand crop already keeps its hand localisation.
    """
    config, hand_box = run.config.model, None
    if views_of(run.model) == "hand_crop":
        return run.model
    if config.views == "hand_crop":
        shown = [x for x in run.manifest.split("train") if x.source != SOURCE]
        photographs = [run.manifest.absolute(sample) for sample in shown]
        hand_box = train_hand_box(run.model, run.config.augment, run.config.seed, photographs)
    return with_views(run.model, config.image_size_px, hand_box)


def _leave_process_group(run: Run) -> None:
    """Copies the trained network to one device of this process, and ends the process group."""
    if run.processes.devices > 1:
        with Replica(run.processes, run.model).synced() as network:
            run.model = network
        run.processes.shut_down()
        run.processes = ALONE


def fingerprint(config: TrainConfig, manifest: Manifest) -> str:
    """Returns a hash of everything that decides a run's result, to refuse a foreign checkpoint."""
    return _hash_of(dataclasses.asdict(config), manifest.sha256)


def _hash_of(settings: dict[str, Any], manifest_sha256: str) -> str:
    decisive = {name: value for name, value in settings.items() if name not in _WITHOUT_EFFECT}
    # Runs of before have no such settings, and go on.
    if not decisive.get("class_weight"):
        decisive.pop("class_weight", None)
    decisive["model"] = {k: v for k, v in settings.get("model", {}).items() if v is not None}
    text = json.dumps([decisive, manifest_sha256], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def trained_facts(config: TrainConfig, manifest: Manifest) -> dict[str, Any]:
    """Returns the content of `run.json` where `config` resumes a run that is trained; else empty.

    Empty too where the folder holds another run.
    """
    folder = config.output_dir
    names = (run_folder.RUN, run_folder.MODEL)
    if not (config.resume and all((folder / name).is_file() for name in names)):
        return {}
    facts = run_folder.read_run(folder)
    there = _hash_of(facts.get("config", {}), facts.get("manifest_sha256", ""))
    return facts if there == fingerprint(config, manifest) else {}


def _stored(run: Run) -> checkpoint.Checkpoint | None:
    """Returns the checkpoint to resume from; None in a folder in which no run ever saved."""
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
            found="a checkpoint of a run with other settings, another data set or another version",
            expected="the same command, data and version as before, to go on with --resume",
            fix="repeat the old options, or start afresh with --overwrite",
        )
    run.resume_from(stored)
    name = run.config.phases[position.phase].name
    print(f"going on with {name} after epoch {position.epoch}, step {position.step}", flush=True)
    return stored


@contextlib.contextmanager
def _resume_advice(overwrite: bool) -> Iterator[None]:
    """Adds the option that resumes the run to the message of an interrupt."""
    option = "--resume in place of --overwrite" if overwrite else "--resume"
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            f"{str(stop) or 'stopped'}; to go on: the same command with {option}"
        ) from None
