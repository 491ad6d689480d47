"""The pipeline of one run folder: train → export → evaluate. Only the command line uses it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell import backends
from fingerspell.assets import STARTER
from fingerspell.config import ADAPTED_PICTURES, AdaptConfig, TrainConfig
from fingerspell.dataset.manifest import HELD_OUT, Manifest, Sample, read_manifest, verify
from fingerspell.errors import DataError, ExportError
from fingerspell.evaluate import unseen_signers as unseen
from fingerspell.evaluate.report import MODEL_CARD, evaluation, write_report
from fingerspell.evaluate.unseen_signers import UnseenSigners
from fingerspell.export.bundle import export_bundle
from fingerspell.export.graphs import require_tensorflow
from fingerspell.export.parity import LEAST_PICTURES
from fingerspell.files import HOLDER, evenly_spaced, passed_over, this_process, write_json
from fingerspell.images import load
from fingerspell.loading import loader
from fingerspell.machine import peak_memory_bytes, quiet_start, silence_libraries
from fingerspell.model import load_recogniser, size_of
from fingerspell.model.weights import built_as, starter_config, starter_facts
from fingerspell.prepare.examine import check_unseen_pictures
from fingerspell.prepare.prepare import prepare_small_dataset
from fingerspell.progress import Progress
from fingerspell.report.text import summary as summary
from fingerspell.runtime import Recogniser
from fingerspell.runtime.contract import FILE_NAME, Contract
from fingerspell.train import run_folder
from fingerspell.train.adapt import adapt
from fingerspell.train.distributed.launch import launch
from fingerspell.train.run import train, train_in_process, trained_facts
from fingerspell.train.synthetic import synthetic_beside

NO_EXPORTER = "TensorFlow is not installed"
_SOURCE = Path(__file__).resolve().parents[1]
_PARITY_PICTURES = 240
_REPRESENTATIVE_PICTURES = 160
_BATCH = 32

_ORIGIN = ("weights_origin", "manifest_sha256", "commit", "finished", "rejection")
"""Facts of its run that a bundle holds; an adapted one keeps the released threshold."""


def train_and_export(
    config: TrainConfig,
    command: str,
    unseen_signers: Sequence[Path] = (),
    *,
    workers: int | None = None,
    ray: str | None = None,
) -> dict[str, Any]:
    """Trains, exports and evaluates; returns the evaluation report.

    Unseen signers are checked first: a wrong path or a broken picture should not cost a training.
    Without TensorFlow the run is trained and evaluated, and then `ExportError` says how to export
    it later. Resuming a finished run prints where its network is, and does nothing.
    """
    manifest = read_manifest(config.dataset_dir)
    if {"export_s", "evaluate_s"} <= trained_facts(config, manifest).keys():
        print(f"this run is finished: its network is {config.output_dir / run_folder.MODEL}, and "
              "`fingerspell evaluate` evaluates it on other pictures", flush=True)  # fmt: skip
        return {}
    _all_unseen_signers(manifest, unseen_signers)
    can_export = backends.is_installed(backends.EXPORTER)
    if not can_export:
        print(f"note: {NO_EXPORTER}; this run will be trained and evaluated all the same")
    if (few := len(_parity_samples(manifest))) < LEAST_PICTURES:
        print(f"note: {few} pictures are few to train on; `fingerspell adapt` fits the released "
              "recogniser to few", flush=True)  # fmt: skip
    if workers is not None:
        launch(config, command, train_in_process, workers, ray)
    elif not train(config, manifest, command):
        return {}
    if keras.backend.backend() == backends.EXPORTER:
        export_run(config.output_dir, config.dataset_dir)
    elif can_export:
        _export_elsewhere(config.output_dir, config.dataset_dir, unseen_signers, config.trust)
    report = evaluate_run(config.output_dir, config.dataset_dir, unseen_signers, trust=config.trust)
    if not can_export:
        print(summary(config.output_dir, report))
        raise _not_exported(config.output_dir, config.dataset_dir, unseen_signers, config.trust)
    return report


def adapt_and_export(config: AdaptConfig, command: str, starter: Path = STARTER) -> dict[str, Any]:
    """Adapts the released recogniser to a few pictures; returns the content of `run.json`.

    The run folder holds what a training's does, and the checked pictures in `adapted_pictures`.
    A run that is to be replaced stays until the pictures have been checked.
    """
    require_tensorflow()
    labels = tuple(starter_facts(starter)["labels"])
    run_folder.open_folder(config.output_dir, overwrite=False, resume=config.overwrite)
    side_px = max(starter_config(starter).image_size_px)
    with synthetic_beside(
        config.output_dir, labels, config.synthetic_per_class, config.seed, side_px
    ) as synthetic:
        small = prepare_small_dataset(
            config.input_dir, synthetic, config.dataset_dir, test_share=config.test_share,
            seed=config.seed,
        )  # fmt: skip
    for reason in small.left_out:
        print(f"left out: {reason}", flush=True)
    if config.overwrite:
        run_folder.open_folder(config.output_dir, overwrite=True, resume=False)
    adapt(config, small, command, starter)
    export_run(config.output_dir, config.dataset_dir)
    evaluate_run(config.output_dir, config.dataset_dir, trust=True)
    return run_folder.read_run(config.output_dir)


def export_run(
    output_dir: Path, dataset_dir: Path | None = None, bundle: Path | None = None
) -> dict[str, Any]:
    """Writes every export of a trained run and returns the parity report.

    Without `dataset_dir` the data set is looked for where the run says it was. Into `bundle`, a
    folder other than the run's, goes the run's model card, too, and the run stays as it is.
    """
    require_tensorflow()
    silence_libraries()
    started_s = time.perf_counter()
    facts = run_folder.read_run(output_dir)
    manifest = _manifest_of(facts, dataset_dir or _dataset_dir_of(facts, output_dir))
    model = load_recogniser(output_dir / run_folder.MODEL)
    height_px, width_px = size_of(model)
    contract = Contract(
        labels=tuple(facts["labels"]),
        height_px=height_px,
        width_px=width_px,
        threshold=facts.get("threshold", facts["config"]["threshold"]),
        temperature=facts["temperature"],
        backbone=model.name,
        origin={k: facts[k] for k in _ORIGIN if k in facts} | built_as(model),
    )
    samples = _parity_samples(manifest)
    print(f"exporting, and proving every file on {max(len(samples), LEAST_PICTURES)} pictures …",
          flush=True)  # fmt: skip
    pictures = {s.path: manifest.absolute(s).read_bytes() for s in samples}
    representative = [
        load(manifest.absolute(s), (height_px, width_px))
        for s in _spaced(manifest.split("train"), _REPRESENTATIVE_PICTURES)
    ]
    with quiet_start():  # The converter tells of its settings.
        report = export_bundle(model, contract, bundle or output_dir, pictures, representative)
    for warning in report["warnings"]:
        print(f"note: {warning}", flush=True)
    if bundle is None:
        export_s = round(time.perf_counter() - started_s, 1)
        _note(output_dir, export_s=export_s, **_proven(report))
    elif (card := output_dir / MODEL_CARD).is_file():
        shutil.copyfile(card, bundle / card.name)
    return report


def _proven(report: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the model card tells of a parity report."""
    agreement = report["exports"]["tflite int8"]["agreement"]
    return {
        "proven_pictures": report["pictures"] - report["synthetic_pictures"],
        "proven_synthetic_pictures": report["synthetic_pictures"],
        "int8": {**report["int8"], "agreement": agreement},
    }


def evaluate_run(
    output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path] = (), *, trust: bool = False
) -> dict[str, Any]:
    """Evaluates the trained model and its TFLite file and writes report, plots, page and card.

    The pictures are the test split's, or validation's where a data set has no test split (the
    report says which). Unseen signers (the data set's held-out sources and the given folders) are
    evaluated with the TFLite file, which is what ships; with Keras where the run has not been
    exported. Altered pictures are refused unless `trust`.
    """
    silence_libraries()
    started_s = time.perf_counter()
    facts = run_folder.read_run(output_dir)
    manifest = _manifest_of(facts, dataset_dir)
    split = "test" if manifest.split("test") else "val"
    samples = manifest.split(split)
    people = _all_unseen_signers(manifest, unseen_signers)
    checked = 0 if trust else verify(manifest, (split, HELD_OUT))
    index = {label: i for i, label in enumerate(manifest.labels)}
    trained, exported = _Trained.load(output_dir), _exported(output_dir)
    keras_answers, tflite_answers = _answers(trained, exported, manifest, samples)
    ships = exported or trained
    report = evaluation(
        np.array([index[s.label] for s in samples]),
        keras_answers,
        manifest.labels,
        groups=[s.group for s in samples],
        threshold=ships.threshold,
        tflite=tflite_answers,
        unseen_signers={name: _unseen_signers_section(ships, one) for name, one in people.items()},
    )
    report["split"] = split
    history = run_folder.read_json(output_dir / run_folder.HISTORY)
    report["training"] = {
        "accuracy": next(reversed(history.get("accuracy", ())), None),
        "epochs": len(history.get("accuracy", ())),
        "first_weights": facts.get("weights_origin", ""),
    }
    facts = _note(
        output_dir,
        evaluated_pictures_checked=checked > 0,
        evaluate_s=round(time.perf_counter() - started_s, 1),
        peak_memory_bytes=max(peak_memory_bytes(), facts["peak_memory_bytes"]),
    )
    write_report(output_dir, report, history, facts)
    return report


@dataclass(frozen=True, slots=True)
class _Trained:
    """The trained Keras network of a run folder, with the interface of a `Recogniser`."""

    model: keras.Model
    labels: tuple[str, ...]
    threshold: float

    @classmethod
    def load(cls, output_dir: Path) -> _Trained:
        """Loads it from a run folder; raises a `FingerspellError` unless training has finished."""
        facts = run_folder.read_run(output_dir)
        return cls(
            load_recogniser(output_dir / run_folder.MODEL),
            tuple(facts["labels"]),
            facts.get("threshold", facts["config"]["threshold"]),
        )

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the pictures that the network takes."""
        return size_of(self.model)

    def probabilities(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the answers (N, C) to pictures (N, H, W, 3) in [0, 1].

        One compiled step a batch: half the time of calling the network under TensorFlow, and
        without the graph that PyTorch would keep for a backward pass.
        """
        return np.asarray(self.model.predict_on_batch(batch), np.float32)


def _parity_samples(manifest: Manifest) -> list[Sample]:
    """Returns the pictures on which exports are compared: unseen ones first."""
    untrained = (*manifest.split("test"), *manifest.split("val"))
    missing = max(0, _PARITY_PICTURES - len(untrained))
    return [*_spaced(untrained, _PARITY_PICTURES), *_spaced(manifest.split("train"), missing)]


def _spaced(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Returns at most `count` samples, evenly spaced, so that every class and source is met."""
    return evenly_spaced(samples, min(count, len(samples)))


def _all_unseen_signers(manifest: Manifest, folders: Sequence[Path]) -> dict[str, UnseenSigners]:
    """Returns the unseen signers by name: the held-out sources, then the folders.

    Raises `DataError` for those who show no class of the recogniser, and for folders with
    pictures of the data set itself.
    """
    held_out = [
        unseen.unseen_signers_of(
            name,
            [manifest.absolute(s) for s in samples],
            [s.label for s in samples],
            manifest.labels,
        )
        for name, samples in manifest.held_out().items()
    ]
    return unseen.by_name([*held_out, *(_unseen_signers_in(path, manifest) for path in folders)])


def _unseen_signers_in(path: Path, manifest: Manifest) -> UnseenSigners:
    """Returns a folder's readable pictures that are not part of the data set."""
    found = unseen.find_unseen_signers(path, manifest.labels)
    if found.others:
        print(f"note: {passed_over(path, found.others)}", flush=True)
    bad = check_unseen_pictures(found.name, found.paths, manifest)
    return unseen.without(found, [one.path for one in bad])


def _unseen_signers_section(
    recogniser: Recogniser | _Trained, unseen_signers: UnseenSigners
) -> dict[str, Any]:
    probabilities = unseen.predict_files(
        recogniser.probabilities, unseen_signers.paths, recogniser.size_px
    )
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
    trained: _Trained, exported: Recogniser | None, manifest: Manifest, samples: Sequence[Sample]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Returns the probabilities (N, C) of Keras and TFLite for the same pictures."""
    paths = [manifest.absolute(s) for s in samples]
    ours, theirs = [], []
    with Progress(len(paths), "evaluating") as bar:
        for batch in loader.evaluation_stream(paths, trained.size_px, _BATCH):
            ours.append(trained.probabilities(batch))
            if exported:
                theirs.append(exported.probabilities(batch))
            bar.advance(len(batch))
    return np.concatenate(ours), np.concatenate(theirs) if theirs else None


def _dataset_dir_of(facts: Mapping[str, Any], output_dir: Path) -> Path:
    """Returns where the run's data set is; that of an adaptation lies in the run folder."""
    folder = Path(facts["config"].get("dataset_dir") or output_dir / ADAPTED_PICTURES)
    if not folder.is_dir():
        raise DataError(
            found=f"no folder {folder}, where this run's data set was",
            expected="the data set that it was trained on: exports are compared on its pictures",
            fix="name its folder: --dataset_dir DIR",
        )
    return folder


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
    known = {**run_folder.read_run(output_dir), **facts}
    write_json(output_dir / run_folder.RUN, known)
    return known


def _export_elsewhere(
    output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path] = (), trust: bool = False
) -> None:
    """Runs `fingerspell export` in a process of its own, on TensorFlow.

    It leaves GPUs alone: their memory still holds this process's training.
    Raises `ExportError` where it does not end well; what it says stands on the console.
    `unseen_signers` and `trust` are for the evaluation that is then still to come.
    """
    paths = [str(_SOURCE), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        backends.VARIABLE: backends.EXPORTER,
        "CUDA_VISIBLE_DEVICES": "-1",
        HOLDER: this_process(),
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }
    words = _export(output_dir, dataset_dir)
    if subprocess.run([sys.executable, "-m", *words], env=environment).returncode != 0:
        raise ExportError(
            found=f"{output_dir} is trained, but its export failed (its message stands above)",
            expected="a process of its own, on TensorFlow, that writes and proves every file",
            fix=f"{_rest(output_dir, dataset_dir, unseen_signers, trust)}: "
            "nothing is trained again",
        )


def _not_exported(
    output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path] = (), trust: bool = False
) -> ExportError:
    """Returns the error that ends a training without TensorFlow: done, but for the exports."""
    return ExportError(
        found=f"{NO_EXPORTER}: {output_dir} is trained and evaluated, but not exported",
        expected="TensorFlow, on any processor, to write SavedModel, frozen graph and TFLite",
        fix=f"{backends.install_backend(backends.EXPORTER)} (or copy the folders to where it "
        f"is), then {_rest(output_dir, dataset_dir, unseen_signers, trust)}: "
        "nothing is trained again",
    )


def _rest(output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path], trust: bool) -> str:
    """Returns the two commands that are left, with every option that the training was given."""
    evaluate = ["fingerspell", "evaluate", *_folders(output_dir, dataset_dir)]
    if unseen_signers:
        evaluate += ["--unseen_signers", *map(str, unseen_signers)]
    if trust:
        evaluate.append("--trust")
    return f"{shlex.join(_export(output_dir, dataset_dir))} and {shlex.join(evaluate)}"


def _export(output_dir: Path, dataset_dir: Path) -> list[str]:
    return ["fingerspell", "export", *_folders(output_dir, dataset_dir)]


def _folders(output_dir: Path, dataset_dir: Path) -> list[str]:
    return ["--output_dir", str(output_dir), "--dataset_dir", str(dataset_dir)]
