"""`fingerspell adapt`: fine-tunes the released recogniser on a small data set."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from fingerspell import backends
from fingerspell.machine import load_quietly

HELP = "fit the released recogniser to 5 to 20 pictures a class of your own"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--input_dir", type=Path, required=True, metavar="FOLDER",
        help="one sub-folder a class; new classes are added")  # fmt: skip
    add("--output_dir", type=Path, default=Path("adapted"), help="the run folder")
    add("--seed", type=int, default=42, help="another seed, another run")
    add("--overwrite", action="store_true", help="replace the run in output_dir")


def run(args: argparse.Namespace) -> int:
    """Adapts, exports and evaluates."""
    from fingerspell.config import AdaptConfig

    config = AdaptConfig(
        input_dir=args.input_dir,
        output_dir=args.output_dir,
        seed=args.seed,
        overwrite=args.overwrite,
    )
    backends.settle_for_export(os.environ)
    from fingerspell.cli.main import as_started
    from fingerspell.train import run_folder

    program = Path(sys.argv[0]).name.replace("__main__.py", "fingerspell")
    with run_folder.held(args.output_dir):
        load_quietly("keras")
        from fingerspell import pipeline

        facts = pipeline.adapt_and_export(config, shlex.join([program, *sys.argv[1:]]))
    print(_gain(facts))
    print(as_started(f"try it: fingerspell predict hand.jpg --bundle {args.output_dir}"))
    return 0


def _gain(facts: dict[str, Any]) -> str:
    """Returns accuracy before and after an adaptation, on pictures it was not trained on."""
    before, after = facts["adapted"]["before"], facts["adapted"]["after"]
    lines = [
        f"your pictures: {_change(before['own'], after['own'])} "
        f"({before['own_pictures']} that were held back)"
        if before["own"] is not None
        else "your pictures: all of a class are alike, so none could be held back to measure on",
        f"synthetic hands of every class: {_change(before['synthetic'], after['synthetic'])} "
        f"({before['synthetic_pictures']})",
    ]
    if new := facts["adapted"]["new_classes"]:
        lines.append(f"new classes: {', '.join(new)}")
    if before["own"] is not None and after["own"] < before["own"]:
        lines.append(
            "it reads fewer of your pictures than the released recogniser, which you still have: "
            "keep that one, or give each class pictures of everybody who will use it"
        )
    return "\n".join(lines)


def _change(before: float, after: float) -> str:
    return f"{before:.0%} read before, {after:.0%} after"
