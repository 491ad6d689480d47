"""Exports a run in a separate TensorFlow process, or says how to where there is none."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from fingerspell import backends
from fingerspell.errors import ExportError

NO_EXPORTER = "TensorFlow is not installed"
_SOURCE = Path(__file__).resolve().parents[2]


def export_elsewhere(
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


def not_exported(
    output_dir: Path, dataset_dir: Path, unseen_signers: Sequence[Path] = (), trust: bool = False
) -> ExportError:
    """Returns the error that ends a training without TensorFlow: done, but for the exports."""
    return ExportError(
        found=f"{NO_EXPORTER}: {output_dir} is trained and evaluated, but not exported",
        expected="TensorFlow, on any processor, to write SavedModel, frozen graph and TFLite",
        fix=f"{backends.INSTALL[backends.EXPORTER]} (or copy the folders to where it is), then "
        f"{_rest(output_dir, dataset_dir, unseen_signers, trust)}: nothing is trained again",
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
