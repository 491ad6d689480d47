"""`fingerspell doctor`: what is wrong with this machine, and the command that fixes it."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

HELP = "check this machine: versions, GPU, memory, data set; says how to fix what is wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dataset_dir", type=Path, default=Path("dataset"), help="prepared data set to check")
    add("--output_dir", type=Path, default=Path("output"), help="run folder to check")
    add("--quick", action="store_true", help="do not load the Keras backend")
    add("--json", action="store_true", help="print JSON instead of lines")


def run(args: argparse.Namespace) -> int:
    """Prints the findings; exit code 1 where something failed."""
    from fingerspell.cli.main import as_started
    from fingerspell.doctor import examine, gather
    from fingerspell.doctor.finding import as_json, as_text, exit_code

    facts = gather(args.dataset_dir, args.output_dir, ask_backend=not args.quick)
    findings = [
        replace(x, found=as_started(x.found), fix=as_started(x.fix)) for x in examine(facts)
    ]
    sys.stdout.write(as_json(findings) if args.json else as_text(findings))
    return exit_code(findings)
