"""The network of a finished run, read through Keras on any backend."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import RunError
from fingerspell.files import why_not_writable
from fingerspell.model import load_recogniser

MODEL = "model.keras"
LABELS = "training_set_labels.txt"
HISTORY = "training_history.json"
RUN = "run.json"
LOGS = "logs"
CHECKPOINTS = "checkpoints"

FILES = {
    MODEL: "the trained network for Keras",
    "saved_model": "the SavedModel for tf.saved_model.load()",
    "trained_model_graph.pb": "the frozen graph with the old server's tensor names",
    "model.tflite": "TFLite, float32",
    "model_fp16.tflite": "TFLite, half precision",
    "model_int8.tflite": "TFLite, 8-bit",
    LABELS: "one label a line, in prediction order",
    "evaluation_report.json": "every figure of the evaluation",
    "confusion_matrix.png": "what was taken for what",
    "training_history.png": "loss and accuracy over both phases",
    HISTORY: "the same curves as numbers",
    "report.html": "the report for people",
    "model_card.md": "what the recogniser is for, and what not",
    "recogniser.json": "the contract: input, labels, threshold, hashes",
    RUN: "configuration, versions, timings, seeds",
    LOGS: "TensorBoard",
    CHECKPOINTS: "where an interrupted run goes on",
}
"""Every file of a finished run folder, and what it is for."""


def open_folder(folder: Path, *, overwrite: bool, resume: bool) -> None:
    """Makes the run folder ready to be written to, or says why it cannot be.

    Only files that a run writes are ever removed, and only with `overwrite`.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(
            found=f"{folder} is a file",
            expected="a folder for the run's results",
            fix="choose another --output_dir",
        )
    present = [name for name in FILES if (folder / name).exists()]
    if present and not (overwrite or resume):
        raise RunError(
            found=f"{folder} already holds a run ({', '.join(present[:3])} …)",
            expected="an empty or new folder",
            fix="go on with it by --resume, replace it by --overwrite, or choose --output_dir",
        )
    _make_writable(folder)
    if overwrite:
        for name in present:
            _remove(folder / name)


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = why_not_writable(folder)
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise RunError(
            found=f"{folder} cannot be written to ({reason})",
            expected="a folder in which files may be made",
            fix="choose another --output_dir, or mend its permissions",
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object that a run wrote; raises `RunError` where it is missing or damaged."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            found=f"{path} cannot be read ({error})",
            expected="a run folder in which training has finished",
            fix="train first: python backend/train_finetune.py --dataset_dir dataset",
        ) from error
    return dict(body)


@dataclass(frozen=True, slots=True)
class Trained:
    """What evaluation measures exports against, and what it measures where there are none."""

    model: keras.Model
    labels: tuple[str, ...]
    threshold: float

    @classmethod
    def load(cls, run_folder: Path) -> Trained:
        """Reads a run folder; raises a `FingerspellError` unless training has finished in it."""
        facts = read_json(run_folder / RUN)
        return cls(
            load_recogniser(run_folder / MODEL),
            tuple(facts["labels"]),
            facts.get("threshold", facts["config"]["threshold"]),
        )

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the pictures that the network takes."""
        height_px, width_px = self.model.input_shape[1:3]
        return int(height_px), int(width_px)

    def probabilities(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Returns the answers (N, C) to pictures (N, H, W, 3) in [0, 1].

        One compiled step a batch: half the time of calling the network under TensorFlow, and
        without the graph that PyTorch would keep for a backward pass.
        """
        return np.asarray(self.model.predict_on_batch(batch), np.float32)
