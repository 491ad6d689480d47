"""An evaluation of six pictures, with the history and the facts of the run that it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np

from fingerspell.evaluate import evaluation

LABELS = ("A", "B", "J", "space")
TRUTH = np.array([0, 0, 1, 1, 2, 2])
PROBABILITIES = np.eye(4)[[0, 0, 1, 0, 2, 0]] * 0.8 + 0.05
GROUPS = ("x", "x", "y", "y", "z", "z")
HISTORY = {
    "phase": ["head", "head", "finetune"],
    "epoch": [1, 2, 1],
    "loss": [3.0, 2.0, 1.0],
    "val_loss": [3.1, 2.2, 1.5],
    "accuracy": [0.1, 0.5, 0.9],
    "val_accuracy": [0.1, 0.4, 0.8],
    "learning_rate": [1e-3, 1e-3, 1e-5],
}
RUN: dict[str, Any] = {
    "command": "fingerspell train --dataset_dir <b>dataset</b>",
    "weights_origin": "weights file bird.weights.h5",
    "pictures": {"train": 70, "val": 15, "test": 15},
    "config": {"model": {"backbone": "MobileNetV3Small", "image_size_px": [96, 64]}},
}


def evaluated(name: str = "hall", *, unseen: bool = False, exported: bool = False) -> Any:
    """What `evaluation` returns; `unseen`: with a source of unseen signers of that name."""
    report = evaluation(
        TRUTH, PROBABILITIES, LABELS, groups=GROUPS, tflite=PROBABILITIES if exported else None
    )
    if unseen:
        report["unseen_signers"] = {name: evaluation(TRUTH[:4], PROBABILITIES[:4], LABELS)}
    return report
