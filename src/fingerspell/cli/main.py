"""`fingerspell VERB …`: one module a command; heavy imports happen inside the command.

A command module offers `HELP` (one line), `add_arguments(parser)` and `run(args) -> exit code`.
"""

import argparse
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from fingerspell import __version__, backends, install
from fingerspell.errors import FingerspellError

COMMANDS = (
    "download", "prepare", "estimate", "train", "adapt", "evaluate", "export", "verify", "predict",
    "live", "serve", "studio", "synth", "doctor", "demo",
)  # fmt: skip


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Returns the whole command line as one parser."""
    parser = argparse.ArgumentParser(
        prog="fingerspell",
        description="ASL fingerspelling: photographs in, a proven recogniser out.",
    )
    parser.add_argument("--version", action="version", version=f"fingerspell {__version__}")
    verbs = parser.add_subparsers(dest="command", metavar="VERB", required=True)
    for name in commands:
        module = importlib.import_module(f"fingerspell.cli.{name}")
        verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(verb)
        verb.set_defaults(run=module.run)
    return parser


def _speak_plainly() -> None:
    """Makes no character end a command: Windows writes into files and pipes in its code page.

    What the code page lacks is written as `\\u2192`, in a class name as in our own words.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


DOORS = {"prepare": "prepare_dataset.py", "train": "train_finetune.py", "serve": "app.py"}
"""Verbs that the training guide's programs under `backend/` stand for."""

_VERBS = {program: verb for verb, program in DOORS.items()}

_OURS = re.compile(
    rf"(?<![\w./-])(?:python backend/({'|'.join(map(re.escape, _VERBS))})"
    rf"|fingerspell(?= (?:{'|'.join(COMMANDS)})\b))"
)


def as_started(fix: str) -> str:
    """Returns a mend with our commands as they work where it is read.

    In run.py's environment neither `fingerspell` nor `python` is what the user's shell finds.
    """
    if install.made_by_run_py():
        start = install.run_py()
    elif Path(sys.argv[0]).name == "__main__.py":
        start = install.command(sys.executable, "-m", "fingerspell")
    elif Path(sys.argv[0]).parent.name == "backend":
        return fix
    else:
        start = "fingerspell"
    return _OURS.sub(lambda ours: f"{start} {_VERBS[ours[1]]}" if ours[1] else start, fix)


def said(error: FingerspellError) -> str:
    """Returns an error's three lines, its mend as it works where it is read."""
    before, mark, fix = str(error).rpartition("\n  to fix:   ")
    return f"error: {before}{mark}{as_started(fix)}"


def _call(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parses and runs a command; a user's mistake becomes three lines and exit code 2."""
    try:
        args = parser.parse_args(argv)
        backends.settle(os.environ)
        return int(args.run(args))
    except FingerspellError as error:
        print(said(error), file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        reported = backends.missing(error)
        if reported is None:
            raise
        print(said(reported), file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped by Ctrl-C", file=sys.stderr)
        return 130


def main(argv: Sequence[str] | None = None) -> int:
    """The `fingerspell` command."""
    _speak_plainly()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    return _call(build_parser(), argv)


def door(name: str, argv: Sequence[str] | None = None) -> int:
    """Runs one verb as a program of its own: the training guide's `python backend/….py`."""
    _speak_plainly()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    module = importlib.import_module(f"fingerspell.cli.{name}")
    parser = argparse.ArgumentParser(description=module.HELP)
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)
    return _call(parser, argv)
