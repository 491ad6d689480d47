"""Adapts the released recogniser to a few pictures: one person, one camera, or a new sign."""

import dataclasses
import gc
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.assets import STARTER
from fingerspell.config import AdaptConfig
from fingerspell.dataset.manifest import Manifest, Sample, SmallDataset
from fingerspell.files import write_json
from fingerspell.labels import LABELS_FILE, write_labels
from fingerspell.loading import loader
from fingerspell.machine import commit, machine, peak_memory_bytes, silence_libraries, versions
from fingerspell.model import (
    head_of,
    rebuild_in_float32,
    save_recogniser,
    size_of,
    unfreeze,
    weights,
)
from fingerspell.model.build import LOGITS, feature_network
from fingerspell.progress import Progress
from fingerspell.train import memory, run_folder
from fingerspell.train.checkpoint import assign, copied
from fingerspell.train.devices import is_out_of_memory, prepare_device
from fingerspell.train.loop import WarmCosine

_Floats = NDArray[np.float32]

_Curves = list[dict[str, Any]]
"""The rows of `training_history.json`."""

_IMPRINTED_FROM = 20


@dataclasses.dataclass(slots=True)
class _Answers:
    """Answers to picture files; where memory was full, all later batches are smaller too."""

    at_once: int = 32

    def of(self, network: keras.Model, paths: Sequence[Path]) -> np.ndarray:
        """Returns the network's outputs for pictures (N, …)."""
        try:
            batches = loader.evaluation_stream(paths, size_of(network), self.at_once)
            return np.concatenate(
                [np.asarray(network.predict_on_batch(x), np.float32) for x in batches]
            )
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        gc.collect()
        before, (fewer, _) = self.at_once, memory.split_step(self.at_once, 1, "inference")
        self.at_once = before // fewer
        print(f"memory is full at {before} pictures at once: going on with {self.at_once}")
        return self.of(network, paths)


def adapt(
    config: AdaptConfig, small: SmallDataset, command: str = "", starter: Path = STARTER
) -> dict[str, Any]:
    """Fine-tunes the released recogniser on a small data set; returns the content of `run.json`.

    Writes `model.keras`, labels, history and `run.json` into `config.output_dir`, as training
    does. Labels are those of the data set: a class without any picture, photographed or
    synthetic, is dropped.
    """
    started_s, source = time.perf_counter(), commit()
    silence_libraries()
    device = prepare_device()
    keras.utils.set_random_seed(config.seed)
    settings, manifest = weights.starter_config(starter), small.manifest
    known = weights.starter_facts(starter)
    model = weights.build_starter(manifest.labels, starter)
    answering = weights.with_released_views(model, starter)
    answers = _Answers()
    before = _measure(answering, small, answers)
    new = [x for x in manifest.labels if x not in known["labels"]]
    if new:
        _imprint(model, manifest, new, answers)
    released = model.get_weights()
    rows = _fit(config, model, manifest)
    trained = model.get_weights()
    model.set_weights(
        [r + config.kept_share * (x - r) for r, x in zip(released, trained, strict=True)]
    )
    after = _measure(answering, small, answers)
    save_recogniser(rebuild_in_float32(answering), config.output_dir / run_folder.MODEL)
    write_labels(config.output_dir / LABELS_FILE, manifest.labels)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    write_json(config.output_dir / run_folder.HISTORY, columns)
    own = Counter(s.split for s in manifest.samples if s.source == small.source)
    facts = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "config": {
            **dataclasses.asdict(config),
            "model": dataclasses.asdict(settings),
            "threshold": known["threshold"],
        },
        "labels": list(manifest.labels),
        "weights_origin": weights.starter_origin(known),
        "temperature": 1.0,
        "adapted": {
            "classes": len({s.label for s in manifest.samples if s.source == small.source}),
            "new_classes": new,
            "left_out": list(small.left_out),
            "before": before,
            "after": after,
        },
        "manifest_sha256": manifest.sha256,
        "manifest_checked": True,
        "split_rule": "groups",
        "pictures": dict(own),
        "synthetic_pictures": len(manifest.samples) - own.total(),
        "device": dataclasses.asdict(device),
        "machine": machine(),
        "versions": versions(),
        "commit": source,
        "train_s": round(time.perf_counter() - started_s, 1),
        "peak_memory_bytes": peak_memory_bytes(),
    }
    write_json(config.output_dir / run_folder.RUN, facts)
    return facts


def _measure(model: keras.Model, small: SmallDataset, answers: _Answers) -> dict[str, Any]:
    """Returns the accuracy on the user's test pictures and on synthetic hands; None without any."""
    manifest = small.manifest
    return {
        "own": _accuracy(model, manifest, manifest.split("test"), answers),
        "own_pictures": len(manifest.split("test")),
        "synthetic": _accuracy(model, manifest, manifest.split("val"), answers),
        "synthetic_pictures": len(manifest.split("val")),
    }


def _accuracy(
    model: keras.Model, manifest: Manifest, samples: Sequence[Sample], answers: _Answers
) -> float | None:
    if not samples:
        return None
    paths = [manifest.absolute(sample) for sample in samples]
    found = answers.of(model, paths).argmax(axis=1)
    truth = np.array([manifest.labels.index(sample.label) for sample in samples])
    return float((found == truth).mean())


def _fit(config: AdaptConfig, model: keras.Model, manifest: Manifest) -> _Curves:
    """Fine-tunes the whole network; BatchNormalization keeps its statistics.

    Where memory is full it starts again, with every batch in more parts.
    """
    unfreeze(model, config.phase.unfrozen_from or "all", config.phase.batchnorm_momentum)
    before, parts = copied(model.variables), 1
    while True:
        try:
            return _learn(config, model, manifest, parts)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        gc.collect()
        parts, message = memory.split_step(config.batch_size, parts, "adapting")
        print(message, flush=True)
        assign(model.variables, before)


def _learn(config: AdaptConfig, model: keras.Model, manifest: Manifest, parts: int) -> _Curves:
    phase, steps = config.phase, config.steps_per_epoch
    model.compile(
        optimizer=keras.optimizers.Adam(WarmCosine(phase, steps * phase.epochs)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy"],
    )
    memory.compute_in_parts(model, model, phase, parts)
    stream = loader.training_stream(
        manifest,
        manifest.split("train"),
        manifest.labels,
        size_of(model),
        config.batch_size,
        config.augment,
        config.seed,
        sampling=config.sampling,
    )
    with Progress(steps * phase.epochs, "adapting", "step") as bar:
        advance = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: bar.advance(1)  # noqa: ARG005
        )
        fitted = model.fit(
            (batch for batch in stream),  # Keras wants a true generator.
            steps_per_epoch=steps,
            epochs=phase.epochs,
            callbacks=[advance],
            shuffle=False,
            verbose=0,
        )
    curves = zip(fitted.history["loss"], fitted.history["accuracy"], strict=True)
    return [
        {"phase": phase.name, "epoch": number, "loss": float(loss), "accuracy": float(right)}
        for number, (loss, right) in enumerate(curves, start=1)
    ]


def _imprint(model: keras.Model, manifest: Manifest, new: Sequence[str], answers: _Answers) -> None:
    """Initialises new classes by imprinting: the steps are too few to learn them from zero."""
    layer = head_of(model).get_layer(LOGITS)
    features = {label: _features(model, manifest, label, answers) for label in manifest.labels}
    kernel, bias = layer.get_weights()
    layer.set_weights(imprint(kernel, bias, features, new))


def imprint(
    kernel: _Floats, bias: _Floats, features: Mapping[str, _Floats], new: Sequence[str]
) -> tuple[_Floats, _Floats]:
    """Returns kernel (F, C) and bias (C,) with imprinted columns for the classes `new`.

        w = scale * (mean(class) - mean(all)) / |mean(class) - mean(all)|

    `features` maps every label, in order, to features (N, F) of some of its pictures. `scale` is
    the usual length of a known class's weights, and the bias makes the class as likely on its own
    pictures as the best known one. Reference: Qi et al., Low-Shot Learning with Imprinted
    Weights, CVPR 2018.
    """
    labels = list(features)
    known = [i for i, label in enumerate(labels) if label not in new]
    scale = np.linalg.norm(kernel[:, known], axis=0).mean()
    middle = np.mean([rows.mean(axis=0) for rows in features.values()], axis=0)
    kernel, bias = kernel.copy(), bias.copy()
    for label in new:
        rows, column = features[label], labels.index(label)
        apart = rows.mean(axis=0) - middle
        kernel[:, column] = scale * apart / max(np.linalg.norm(apart), np.finfo(np.float32).tiny)
        best = (rows @ kernel[:, known] + bias[known]).max(axis=1)
        bias[column] = (best - rows @ kernel[:, column]).mean()
    return kernel, bias


def _features(model: keras.Model, manifest: Manifest, label: str, answers: _Answers) -> np.ndarray:
    """Returns the features (N, F) of at most `_IMPRINTED_FROM` training pictures of a class."""
    samples = [s for s in manifest.split("train") if s.label == label][:_IMPRINTED_FROM]
    paths = [manifest.absolute(sample) for sample in samples]
    return answers.of(feature_network(model), paths)
