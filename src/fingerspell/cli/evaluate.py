"""`fingerspell evaluate`: a finished run → figures, plots, page and model card."""

import argparse
import os
from pathlib import Path

from fingerspell import backends
from fingerspell.machine import load_quietly

HELP = "evaluate a trained and exported run on its test pictures and on unseen signers"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--output_dir", type=Path, default=Path("output"), help="the run folder")
    add("--dataset_dir", type=Path, default=Path("dataset"), help="what it was trained on")
    add("--unseen_signers", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="class folders of other people, to be reported")  # fmt: skip
    add("--trust", action="store_true", help="do not hash the test pictures again")


def run(args: argparse.Namespace) -> int:
    """Evaluates and prints the summary."""
    backends.require_known(os.environ)
    from fingerspell.train import run_folder

    with run_folder.held(args.output_dir):
        load_quietly("keras")
        from fingerspell import pipeline

        report = pipeline.evaluate_run(
            args.output_dir, args.dataset_dir, args.unseen_signers, trust=args.trust
        )
    print(pipeline.summary(args.output_dir, report))
    return 0
