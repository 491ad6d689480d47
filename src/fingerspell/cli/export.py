"""`fingerspell export`: a trained run → SavedModel, frozen graph, TFLite, proven equal."""

import argparse
import os
from pathlib import Path

from fingerspell import backends
from fingerspell.machine import load_quietly

HELP = "export a trained run again and prove every file equal to the model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output_dir", type=Path, default=Path("output"), help="the run folder")
    add("--dataset_dir", type=Path, default=Path("dataset"), help="what it was trained on")
    add("--onnx", action="store_true",
        help="stop where model.onnx cannot be written (default: do without it)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Exports and prints each file's proof."""
    backends.settle_for_export(os.environ)
    from fingerspell.export import onnx
    from fingerspell.train import run_folder

    if args.onnx:
        onnx.require()

    with run_folder.held(args.output_dir):
        load_quietly("keras")
        from fingerspell import pipeline

        report = pipeline.export_run(args.output_dir, args.dataset_dir)
    for name, proof in report["exports"].items():
        print(
            f"{name:<30} same class on {proof['agreement']:.1%} of {proof['pictures']} pictures, "
            f"probabilities within {proof['max_difference']:.1e}"
        )
    return 0
