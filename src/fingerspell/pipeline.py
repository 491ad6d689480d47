"""The main road over one run folder: train → export → evaluate. Only the command line uses it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell import backends
from fingerspell.assets import STARTER
from fingerspell.config import AdaptConfig, TrainConfig
from fingerspell.dataset.manifest import HELD_OUT, Manifest, Sample, read_manifest, verify
from fingerspell.errors import DataError
from fingerspell.evaluate.report import evaluation, write_report
from fingerspell.evaluate.unseen_signers import (
    UnseenSigners,
    answers_of,
    by_name,
    find_unseen_signers,
    unseen_signers_of,
    without,
)
from fingerspell.export.bundle import export_bundle
from fingerspell.export.elsewhere import NO_EXPORTER, export_elsewhere, not_exported
from fingerspell.export.graphs import require_tensorflow
from fingerspell.images import load
from fingerspell.loading import loader
from fingerspell.machine import peak_memory_bytes, quieten_libraries
from fingerspell.model import load_recogniser, views_of
from fingerspell.model.weights import starter_config, starter_facts
from fingerspell.prepare.holdout import check_unseen_pictures
from fingerspell.prepare.small_dataset import prepare_small_dataset
from fingerspell.progress import Progress
from fingerspell.report.text import summary as summary
from fingerspell.runtime import Recogniser
from fingerspell.runtime.contract import FILE_NAME, Contract
from fingerspell.train import run_folder
from fingerspell.train.adapt import adapt
from fingerspell.train.distributed.launch import launch
from fingerspell.train.run import train, trained_facts
from fingerspell.train.run_folder import Trained
from fingerspell.train.synthetic import synthetic_beside

PARITY_PICTURES = 240
REPRESENTATIVE_PICTURES = 160
BATCH = 32
ORIGIN = ("weights_origin", "manifest_sha256", "commit", "finished", "rejection")
"""What a bundle says of its run; an adapted one keeps the threshold that was released."""


def train_and_export(
    config: TrainConfig,
    command: str,
    unseen_signers: Sequence[Path] = (),
    *,
    workers: int | None = None,
    ray: str | None = None,
) -> dict[str, Any]:
    """Runs the whole road and returns the evaluation report.

    Unseen signers are looked at first: a wrong path or a broken picture should not cost a training.
    Without TensorFlow the run is trained and evaluated, and then `ExportError` says how to export
    it later. A finished run that is to be gone on with is named, and nothing is done again.
    """
    manifest = read_manifest(config.dataset_dir)
    if {"export_s", "evaluate_s"} <= trained_facts(config, manifest).keys():
        print(f"this run is finished: its network is {config.output_dir / run_folder.MODEL}, and "
              "`fingerspell evaluate` looks at other pictures with it", flush=True)  # fmt: skip
        return {}
    all_unseen_signers(manifest, unseen_signers)
    can_export = backends.is_installed(backends.EXPORTER)
    if not can_export:
        print(f"note: {NO_EXPORTER}; this run will be trained and evaluated all the same")
    if workers is not None:
        launch(config, command, workers, ray)
    elif not train(config, command):
        return {}
    if keras.backend.backend() == backends.EXPORTER:
        export_run(config.output_dir, config.dataset_dir)
    elif can_export:
        export_elsewhere(config.output_dir, config.dataset_dir, unseen_signers, config.trust)
    report = evaluate_run(config.output_dir, config.dataset_dir, unseen_signers, trust=config.trust)
    if not can_export:
        print(summary(config.output_dir, report))
        raise not_exported(config.output_dir, config.dataset_dir, unseen_signers, config.trust)
    return report


def adapt_and_export(config: AdaptConfig, command: str, starter: Path = STARTER) -> dict[str, Any]:
    """Fits the released recogniser to a few pictures; returns what `run.json` says of it.

    The run folder holds what a training's does, and the checked pictures in `adapted_pictures`.
    A run that is to be replaced stays until the pictures have been looked at.
    """
    require_tensorflow()
    labels = tuple(starter_facts(starter)["labels"])
    run_folder.open_folder(config.output_dir, overwrite=False, resume=config.overwrite)
    side_px = max(starter_config(starter).image_size_px)
    with synthetic_beside(
        config.output_dir, labels, config.synthetic_per_class, config.seed, side_px
    ) as at:
        few = prepare_small_dataset(
            config.input_dir, at, config.dataset_dir, test_share=config.test_share,
            seed=config.seed,
        )  # fmt: skip
    for told in few.left_out:
        print(f"left out: {told}", flush=True)
    if config.overwrite:
        run_folder.open_folder(config.output_dir, overwrite=True, resume=False)
    adapt(config, few, command, starter)
    export_run(config.output_dir, config.dataset_dir)
    evaluate_run(config.output_dir, config.dataset_dir, trust=True)
    return run_folder.read_json(config.output_dir / run_folder.RUN)


def export_run(output_dir: Path, dataset_dir: Path) -> dict[str, Any]:
    """Writes every export of a trained run and returns the parity report."""
    require_tensorflow()
    quieten_libraries()
    started_s = time.perf_counter()
    facts = run_folder.read_json(output_dir / run_folder.RUN)
    manifest = _manifest_of(facts, dataset_dir)
    model = load_recogniser(output_dir / run_folder.MODEL)
    height_px, width_px = model.input_shape[1:3]
    contract = Contract(
        labels=tuple(facts["labels"]),
        height_px=height_px,
        width_px=width_px,
        threshold=facts.get("threshold", facts["config"]["threshold"]),
        temperature=facts["temperature"],
        backbone=model.name,
        origin={k: facts[k] for k in ORIGIN if k in facts} | {"views": views_of(model)},
    )
    print("exporting and proving every file …", flush=True)
    report = export_bundle(
        model,
        contract,
        output_dir,
        [manifest.absolute(s).read_bytes() for s in parity_samples(manifest)],
        [
            load(manifest.absolute(s), (height_px, width_px))
            for s in spread(manifest.split("train"), REPRESENTATIVE_PICTURES)
        ],
    )
    _note(output_dir, export_s=round(time.perf_counter() - started_s, 1))
    return report


def parity_samples(manifest: Manifest) -> list[Sample]:
    """Returns the pictures on which exports are compared: unseen ones first."""
    unseen = (*manifest.split("test"), *manifest.split("val"))
    missing = max(0, PARITY_PICTURES - len(unseen))
    return [*spread(unseen, PARITY_PICTURES), *spread(manifest.split("train"), missing)]


def spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Returns at most `count` samples, evenly spaced, so that every class and source is met."""
    if len(samples) <= count:
        return list(samples)
    return [samples[i * len(samples) // count] for i in range(count)]


def evaluate_run(
    output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path] = (), *, trust: bool = False
) -> dict[str, Any]:
    """Evaluates the trained model and its TFLite file and writes report, plots, page and card.

    The pictures are the test split's, or validation's where a data set has no test split (the
    report says which). Unseen signers, the data set's held-out sources and the folders given, are read
    by the TFLite file, which is what ships; by Keras where the run has not been exported. Altered
    pictures are refused unless `trust`.
    """
    quieten_libraries()
    started_s = time.perf_counter()
    facts = run_folder.read_json(output_dir / run_folder.RUN)
    manifest = _manifest_of(facts, dataset_dir)
    split = "test" if manifest.split("test") else "val"
    samples = manifest.split(split)
    people = all_unseen_signers(manifest, unseen_signers)
    checked = 0 if trust else verify(manifest, (split, HELD_OUT))
    index = {label: i for i, label in enumerate(manifest.labels)}
    trained, exported = Trained.load(output_dir), _exported(output_dir)
    keras_answers, tflite_answers = _answers(trained, exported, manifest, samples)
    ships = exported or trained
    report = evaluation(
        np.array([index[s.label] for s in samples]),
        keras_answers,
        manifest.labels,
        groups=[s.group for s in samples],
        threshold=ships.threshold,
        tflite=tflite_answers,
        unseen_signers={name: unseen_signers_section(ships, one) for name, one in people.items()},
    )
    report["split"] = split
    facts = _note(
        output_dir,
        evaluated_pictures_checked=checked > 0,
        evaluate_s=round(time.perf_counter() - started_s, 1),
        peak_memory_bytes=max(peak_memory_bytes(), facts["peak_memory_bytes"]),
    )
    write_report(output_dir, report, run_folder.read_json(output_dir / run_folder.HISTORY), facts)
    return report


def all_unseen_signers(manifest: Manifest, folders: Sequence[Path]) -> dict[str, UnseenSigners]:
    """Returns the people that no training picture shows, by name: held-out sources, then folders.

    Raises `DataError` for those who show no class of the recogniser, and for folders with
    pictures of the data set itself.
    """
    held_out = [
        unseen_signers_of(
            name,
            [manifest.absolute(s) for s in samples],
            [s.label for s in samples],
            manifest.labels,
        )
        for name, samples in manifest.held_out().items()
    ]
    return by_name([*held_out, *(_unseen_signers_in(path, manifest) for path in folders)])


def _unseen_signers_in(path: Path, manifest: Manifest) -> UnseenSigners:
    """Returns those of a folder who can be looked at and are no part of the data set."""
    found = find_unseen_signers(path, manifest.labels)
    bad = check_unseen_pictures(found.name, found.paths, manifest)
    return without(found, [one.path for one in bad])


def unseen_signers_section(
    recogniser: Recogniser | Trained, unseen_signers: UnseenSigners
) -> dict[str, Any]:
    """Returns the figures of people that no training picture shows."""
    probabilities = answers_of(unseen_signers, recogniser.probabilities, recogniser.size_px)
    section = evaluation(
        unseen_signers.y_true, probabilities, recogniser.labels, threshold=recogniser.threshold
    )
    section.pop("unseen_signers")
    return {
        **section,
        "unknown_classes": unseen_signers.unknown,
        "unreadable_pictures": [str(path) for path in unseen_signers.unreadable],
    }


def _exported(output_dir: Path) -> Recogniser | None:
    """Returns the exported recogniser; nothing where the run has not been exported."""
    if (output_dir / FILE_NAME).is_file():
        return Recogniser.load(output_dir)
    print("note: this run is not exported: its figures are the Keras network's", flush=True)
    return None


def _answers(
    trained: Trained, exported: Recogniser | None, manifest: Manifest, samples: Sequence[Sample]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Returns Keras's and TFLite's answers (N, C) to the same pictures."""
    paths = [manifest.absolute(s) for s in samples]
    ours, theirs = [], []
    with Progress(len(paths), "evaluating") as bar:
        for batch in loader.evaluation_stream(paths, trained.size_px, BATCH):
            ours.append(trained.probabilities(batch))
            if exported:
                theirs.append(exported.probabilities(batch))
            bar.advance(len(batch))
    return np.concatenate(ours), np.concatenate(theirs) if theirs else None


def _manifest_of(facts: dict[str, Any], dataset_dir: Path) -> Manifest:
    """Reads the data set and refuses another than the one that the run was trained on."""
    manifest = read_manifest(dataset_dir)
    if manifest.sha256 != facts["manifest_sha256"]:
        raise DataError(
            found=f"{dataset_dir} is not the data set that this run was trained on",
            expected="the same manifest: its test pictures must not have been trained on",
            fix="pass the run's own --dataset_dir; other people's pictures go to --unseen_signers",
        )
    return manifest


def _note(output_dir: Path, **facts: Any) -> dict[str, Any]:
    """Adds facts to run.json and returns all of them."""
    known = {**run_folder.read_json(output_dir / run_folder.RUN), **facts}
    run_folder.write_json(output_dir / run_folder.RUN, known)
    return known
