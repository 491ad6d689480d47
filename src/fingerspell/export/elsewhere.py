"""Exporting what was trained on another backend, or on a machine that cannot export at all."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from fingerspell import backends
from fingerspell.errors import ExportError

NO_EXPORTER = "TensorFlow is not installed"
SOURCE = Path(__file__).resolve().parents[2]


def export_elsewhere(output_dir: Path, dataset_dir: Path) -> None:
    """Runs `fingerspell export` in a process of its own, on TensorFlow.

    It leaves GPUs alone: their memory still holds this process's training.
    Raises `ExportError` where it does not end well; what it says stands on the console.
    """
    paths = [str(SOURCE), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        backends.VARIABLE: backends.EXPORTER,
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }
    words = _words("export", output_dir, dataset_dir)
    if subprocess.run([sys.executable, "-m", *words], env=environment).returncode != 0:
        raise ExportError(
            found=f"{output_dir} is trained, but its export failed (its message stands above)",
            expected="a process of its own, on TensorFlow, that writes and proves every file",
            fix=f"{shlex.join(words)} does it again: nothing is trained anew",
        )


def not_exported(output_dir: Path, dataset_dir: Path) -> ExportError:
    """Returns the error that ends a training without TensorFlow: done, but for the exports."""
    export, evaluate = (
        shlex.join(_words(verb, output_dir, dataset_dir)) for verb in ("export", "evaluate")
    )
    return ExportError(
        found=f"{NO_EXPORTER}: {output_dir} is trained and evaluated, but not exported",
        expected="TensorFlow, on any processor, to write SavedModel, frozen graph and TFLite",
        fix=f"{backends.INSTALL[backends.EXPORTER]} (or copy both folders to where it is), then "
        f"{export} and {evaluate}: nothing is trained anew",
    )


def _words(verb: str, output_dir: Path, dataset_dir: Path) -> list[str]:
    folders = ["--output_dir", str(output_dir), "--dataset_dir", str(dataset_dir)]
    return ["fingerspell", verb, *folders]
