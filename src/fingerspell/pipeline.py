"""The main road over one run folder: train → export → evaluate. Only the command line uses it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.config import TrainConfig
from fingerspell.data import loader
from fingerspell.data.manifest import HELD_OUT, Manifest, Sample, read_manifest
from fingerspell.data.outsiders import check_outsiders
from fingerspell.data.verify import verify
from fingerspell.errors import DataError
from fingerspell.evaluate.report import evaluation, write_report
from fingerspell.evaluate.strangers import (
    Strangers,
    answers_of,
    by_name,
    find_strangers,
    strangers_of,
    without,
)
from fingerspell.export.bundle import export_bundle
from fingerspell.images import load
from fingerspell.model import load_recogniser
from fingerspell.progress import Progress
from fingerspell.runtime import Recogniser
from fingerspell.runtime.contract import Contract, read_contract
from fingerspell.train import folder
from fingerspell.train.machine import peak_memory_bytes
from fingerspell.train.quiet import quieten_libraries
from fingerspell.train.run import train

PARITY_PICTURES = 240
REPRESENTATIVE_PICTURES = 160
BATCH = 32


def train_and_export(
    config: TrainConfig, command: str, strangers: Sequence[Path] = ()
) -> dict[str, Any]:
    """Runs the whole road and returns the evaluation report.

    Strangers are looked at first: a wrong path or a broken picture should not cost a training.
    """
    all_strangers(read_manifest(config.dataset_dir), strangers)
    train(config, command)
    export_run(config.output_dir, config.dataset_dir)
    return evaluate_run(config.output_dir, config.dataset_dir, strangers, trust=config.trust)


def export_run(output_dir: Path, dataset_dir: Path) -> dict[str, Any]:
    """Writes every export of a trained run and returns the parity report."""
    quieten_libraries()
    started_s = time.perf_counter()
    facts = folder.read_json(output_dir / folder.RUN)
    manifest = _manifest_of(facts, dataset_dir)
    model = load_recogniser(output_dir / folder.MODEL)
    height_px, width_px = model.input_shape[1:3]
    contract = Contract(
        labels=tuple(facts["labels"]),
        height_px=height_px,
        width_px=width_px,
        threshold=facts["config"]["threshold"],
        temperature=facts["temperature"],
        backbone=model.name,
        origin={k: facts[k] for k in ("weights_origin", "manifest_sha256", "commit", "finished")},
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
    output_dir: Path, dataset_dir: Path, strangers: Sequence[Path] = (), *, trust: bool = False
) -> dict[str, Any]:
    """Evaluates the trained model and its TFLite file and writes report, plots, page and card.

    The pictures are the test split's, or validation's where a data set has no test split (the
    report says which). Strangers, the data set's held-out sources and the folders given, are read
    by the TFLite file, which is what ships. Altered pictures are refused unless `trust`.
    """
    quieten_libraries()
    started_s = time.perf_counter()
    facts = folder.read_json(output_dir / folder.RUN)
    manifest = _manifest_of(facts, dataset_dir)
    split = "test" if manifest.split("test") else "val"
    samples = manifest.split(split)
    people = all_strangers(manifest, strangers)
    checked = 0 if trust else verify(manifest, (split, HELD_OUT))
    index = {label: i for i, label in enumerate(manifest.labels)}
    recogniser = Recogniser.load(output_dir)
    keras_answers, tflite_answers = _answers(output_dir, recogniser, manifest, samples)
    report = evaluation(
        np.array([index[s.label] for s in samples]),
        keras_answers,
        manifest.labels,
        groups=[s.group for s in samples],
        threshold=read_contract(output_dir).threshold,
        tflite=tflite_answers,
        strangers={name: strangers_section(recogniser, one) for name, one in people.items()},
    )
    report["split"] = split
    facts = _note(
        output_dir,
        evaluated_pictures_checked=checked > 0,
        evaluate_s=round(time.perf_counter() - started_s, 1),
        peak_memory_bytes=max(peak_memory_bytes(), facts["peak_memory_bytes"]),
    )
    write_report(output_dir, report, folder.read_json(output_dir / folder.HISTORY), facts)
    return report


def all_strangers(manifest: Manifest, folders: Sequence[Path]) -> dict[str, Strangers]:
    """Returns the people that no training picture shows, by name: held-out sources, then folders.

    Raises `DataError` for those who show no class of the recogniser, and for folders with
    pictures of the data set itself.
    """
    held_out = [
        strangers_of(
            name,
            [manifest.absolute(s) for s in samples],
            [s.label for s in samples],
            manifest.labels,
        )
        for name, samples in manifest.held_out().items()
    ]
    return by_name([*held_out, *(_strangers_in(path, manifest) for path in folders)])


def _strangers_in(path: Path, manifest: Manifest) -> Strangers:
    """Returns those of a folder who can be looked at and are no part of the data set."""
    found = find_strangers(path, manifest.labels)
    bad = check_outsiders(found.name, found.paths, manifest)
    return without(found, [one.path for one in bad])


def strangers_section(recogniser: Recogniser, strangers: Strangers) -> dict[str, Any]:
    """Returns the figures of people that no training picture shows."""
    probabilities = answers_of(strangers, recogniser.probabilities, recogniser.size_px)
    section = evaluation(
        strangers.y_true, probabilities, recogniser.labels, threshold=recogniser.threshold
    )
    section.pop("strangers")
    return {
        **section,
        "unknown_classes": strangers.unknown,
        "unreadable_pictures": [str(path) for path in strangers.unreadable],
    }


def _answers(
    output_dir: Path, recogniser: Recogniser, manifest: Manifest, samples: Sequence[Sample]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns Keras's and TFLite's answers (N, C) to the same pictures."""
    model = load_recogniser(output_dir / folder.MODEL)
    paths = [manifest.absolute(s) for s in samples]
    ours, exported = [], []
    with Progress(len(paths), "evaluating") as bar:
        for batch in loader.evaluation_stream(paths, recogniser.size_px, BATCH):
            ours.append(np.asarray(model(batch, training=False), np.float32))
            exported.append(recogniser.probabilities(batch))
            bar.advance(len(batch))
    return np.concatenate(ours), np.concatenate(exported)


def _manifest_of(facts: dict[str, Any], dataset_dir: Path) -> Manifest:
    """Reads the data set and refuses another than the one that the run was trained on."""
    manifest = read_manifest(dataset_dir)
    if manifest.sha256 != facts["manifest_sha256"]:
        raise DataError(
            found=f"{dataset_dir} is not the data set that this run was trained on",
            expected="the same manifest: its test pictures must not have been trained on",
            fix="pass the run's own --dataset_dir; other people's pictures go to --strangers",
        )
    return manifest


def _note(output_dir: Path, **facts: Any) -> dict[str, Any]:
    """Adds facts to run.json and returns all of them."""
    known = {**folder.read_json(output_dir / folder.RUN), **facts}
    folder.write_json(output_dir / folder.RUN, known)
    return known


def summary(output_dir: Path, report: dict[str, Any]) -> str:
    """Returns what a finished run tells its user, in a few lines."""
    own, exported = report["test_accuracy"], report["tflite"]["test_accuracy"]
    low, high = report["intervals"]["groups_95"] or (math.nan, math.nan)
    lines = [
        f"{report['split']} accuracy {own:.1%} (95 % over groups: {low:.1%} to {high:.1%}), "
        f"TFLite {exported:.1%}, macro F1 {report['macro_f1']:.3f}",
        *(
            f"strangers {name}: {_share(s['letters_26']['accuracy'])} of 26 letters, "
            f"{_share(s['letters_24']['accuracy'])} of the 24 static ones"
            + _left_out(s.get("unreadable_pictures", []))
            for name, s in report["strangers"].items()
        ),
        f"look at {output_dir / 'report.html'}",
    ]
    return "\n".join(lines)


def _left_out(paths: Sequence[str]) -> str:
    return f"; {len(paths):,} that cannot be read left out, first {paths[0]}" if paths else ""


def _share(value: float | None) -> str:
    """A dash where there was nothing to count: digits have no letters."""
    return "–" if value is None else f"{value:.1%}"
