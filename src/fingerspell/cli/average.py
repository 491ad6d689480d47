"""`python -m fingerspell.cli.average RUN RUN`: a maintainer makes one run of several."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from fingerspell import backends

HELP = "average runs that went on from each other into one, and export and evaluate it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    add = parser.add_argument
    add("runs", type=Path, nargs="+", help="folders of finished runs; the last one gives the rest")
    add("--dataset_dir", type=Path, default=Path("dataset"), help="what they were trained on")
    add("--output_dir", type=Path, required=True, help="folder for the new run")


def run(args: argparse.Namespace) -> int:
    """Averages, exports, evaluates and prints the summary."""
    backends.settle_for_export(os.environ)
    backends.require_known(os.environ)
    from fingerspell import pipeline

    command = shlex.join(["python", "-m", "fingerspell.cli.average", *sys.argv[1:]])
    report = pipeline.average_and_export(args.runs, args.dataset_dir, args.output_dir, command)
    print(pipeline.summary(args.output_dir, report))
    return 0


if __name__ == "__main__":
    from fingerspell.cli.main import door

    sys.exit(door("average"))
