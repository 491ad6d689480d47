"""`fingerspell export`: a trained run → SavedModel, frozen graph, TFLite, proven equal."""

import argparse
import os
from pathlib import Path
from typing import Any

from fingerspell import backends
from fingerspell.errors import require
from fingerspell.machine import load_quietly

HELP = "export a trained run, or the released recogniser, and prove every file equal to the model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run_dir", type=Path, nargs="?", metavar="RUN",
        help="the run folder, the same as --output_dir")  # fmt: skip
    add("--output_dir", type=Path, help="the run folder (default: output)")
    add("--dataset_dir", type=Path,
        help="what it was trained on (default: where the run says it was)")  # fmt: skip
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="write the bundle into this folder, with the run's model card (default: into the run)",
    )
    add("--released", action="store_true",
        help="export the released recogniser instead of a run, into --out")  # fmt: skip
    add("--onnx", action="store_true",
        help="stop where model.onnx cannot be written (default: do without it)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Exports and prints each file's proof."""
    backends.settle_for_export(os.environ)
    from fingerspell.export import onnx
    from fingerspell.export.bundle import require_bundle_folder
    from fingerspell.train import run_folder

    if args.onnx:
        onnx.require()

    require(
        None in (args.run_dir, args.output_dir) or args.run_dir == args.output_dir,
        found=f"two run folders, {args.run_dir} and --output_dir {args.output_dir}",
        expected="one; the folder for the bundle is --out",
        fix=f"fingerspell export {args.run_dir} --out {args.output_dir}",
    )
    if args.out is not None:
        require_bundle_folder(args.out, run_folder.RUN)
    report = _export_released(args) if args.released else _export_run(args)
    for name, proof in report["exports"].items():
        print(
            f"{name:<30} same class on {proof['agreement']:.1%} of {proof['pictures']} pictures, "
            f"probabilities within {proof['max_difference']:.1e}"
        )
    return 0


def _export_run(args: argparse.Namespace) -> dict[str, Any]:
    from fingerspell.train import run_folder

    run_dir = args.run_dir or args.output_dir or Path("output")
    with run_folder.held(run_dir):
        load_quietly("keras")
        from fingerspell import pipeline

        return pipeline.export_run(run_dir, args.dataset_dir, args.out)


def _export_released(args: argparse.Namespace) -> dict[str, Any]:
    require(
        args.out is not None and not (args.run_dir or args.output_dir or args.dataset_dir),
        found="--released with a run or a data set, or without --out",
        expected="the folder for its bundle, and nothing else: the package brings the network",
        fix="fingerspell export --released --out bundle",
    )
    load_quietly("keras")
    from fingerspell.export.bundle import export_released
    from fingerspell.machine import quiet_start, silence_libraries

    silence_libraries()
    with quiet_start():  # The converter tells of its settings.
        return export_released(args.out)
