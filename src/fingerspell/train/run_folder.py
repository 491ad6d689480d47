"""Run folder: its files, opening it for writing, reading its JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fingerspell.errors import RunError
from fingerspell.files import locked, remove, why_not_writable, write_text
from fingerspell.labels import LABELS_FILE

MODEL = "model.keras"
HISTORY = "training_history.json"
RUN = "run.json"
LOGS = "logs"
CHECKPOINTS = "checkpoints"

_ORIGIN, _LOCK = "weights_origin.txt", ".lock"

FILES = {
    MODEL: "the trained network for Keras",
    "saved_model": "the SavedModel for tf.saved_model.load()",
    "trained_model_graph.pb": "the frozen graph with the old server's tensor names",
    "model.tflite": "TFLite, float32",
    "model_fp16.tflite": "TFLite, half precision",
    "model_int8.tflite": "TFLite, 8-bit",
    "model_fast_fp16.tflite": "TFLite, half precision, single view (with a hand crop)",
    "model_features_fp16.tflite": "TFLite, half precision, up to the vectors before the last layer",
    "model.onnx": "ONNX (with the extra onnx)",
    "golden": "test pictures and the answers of each file, for fingerspell verify",
    LABELS_FILE: "one label a line, in prediction order",
    "evaluation_report.json": "every figure of the evaluation",
    "confusion_matrix.png": "what was taken for what",
    "training_history.png": "loss and accuracy over both phases",
    HISTORY: "the same curves as numbers",
    "report.html": "the report for people",
    "model_card.md": "what the recogniser is for, and what not",
    "recogniser.json": "the contract: input, labels, threshold, hashes",
    RUN: "configuration, versions, timings, seeds",
    LOGS: "TensorBoard",
    CHECKPOINTS: "where an interrupted run is resumed",
}
"""Every file of a finished run folder, and what it is for."""


@contextmanager
def held(folder: Path, rank: int = 0) -> Iterator[None]:
    """Keeps every other process from writing into a run folder, new or old, during the block.

    Each command that writes holds it from its first check to its end; of the processes of a
    distributed run, rank 0 alone. Raises `RunError` where another process holds it, and where the
    folder cannot be written.
    """
    if rank != 0:
        yield
        return
    _require_writable(folder)
    with locked(folder, folder / _LOCK):
        yield


def open_folder(folder: Path, *, overwrite: bool, resume: bool) -> None:
    """Creates the run folder, or raises `RunError` where it cannot be written or holds a run.

    Only files that a run writes are ever removed, and only with `overwrite`.
    """
    _require_writable(folder)
    require_free(folder, overwrite=overwrite, resume=resume)
    folder.mkdir(parents=True, exist_ok=True)
    if overwrite:
        for name in _present(folder):
            remove(folder / name)


def require_free(folder: Path, *, overwrite: bool, resume: bool) -> None:
    """Raises `RunError` where the folder holds a run that may be neither replaced nor resumed."""
    present = _present(folder)
    if present and not (overwrite or resume):
        raise RunError(
            found=f"{folder} already holds a run ({', '.join(present[:3])} …)",
            expected="an empty or new folder",
            fix="go on with it by --resume, replace it by --overwrite, or choose --output_dir",
        )


def _present(folder: Path) -> list[str]:
    return [name for name in FILES if (folder / name).exists()]


def _require_writable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise RunError(
            found=f"{folder} is a file",
            expected="a folder for the run's results",
            fix="choose another --output_dir",
        )
    if reason := why_not_writable(folder):
        raise RunError(
            found=f"{folder} cannot be written to ({reason})",
            expected="a folder in which files may be made",
            fix="choose another --output_dir, or mend its permissions",
        )


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


def read_run(folder: Path) -> dict[str, Any]:
    """Reads the `run.json` of a run folder.

    Raises `RunError` where it is missing or damaged, and for a run of an earlier version of the
    program, whose settings had other names.
    """
    facts = read_json(folder / RUN)
    model = facts.get("config", {}).get("model", {})
    if model and "views" not in model:
        made_by = f" (commit {facts['commit']})" if facts.get("commit") else ""
        raise RunError(
            found=f"{folder / RUN} is from an earlier version of the program{made_by}: its "
            f"settings have other names ({', '.join(sorted(model))})",
            expected="a run of this version, with config.model.views",
            fix="export, evaluate or resume it with the version that trained it, or train again",
        )
    return facts


def remember_origin(checkpoints: Path, origin: str, *, resumed: bool) -> str:
    """Returns the origin of the run's very first weights; writes it down for later sessions.

    With `--weights auto` a session that is resumed offline would otherwise report another origin
    than that of the weights in its checkpoint.
    """
    note = checkpoints / _ORIGIN
    if resumed and note.is_file():
        return note.read_text(encoding="utf-8")
    checkpoints.mkdir(parents=True, exist_ok=True)
    write_text(note, origin)
    return origin
