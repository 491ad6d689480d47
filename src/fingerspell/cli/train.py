"""`fingerspell train`: prepared pictures → a finished run folder."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

HELP = "train a recogniser in two phases, evaluate it and export it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    add = parser.add_argument
    add("--dataset_dir", type=Path, default=Path("dataset"), help="made by prepare")
    add("--output_dir", type=Path, default=Path("output"), help="the run folder")
    add("--epochs", type=int, default=50, help="passes over both phases, at most")
    add("--batch_size", type=int, default=32, help="pictures a step")
    add("--img_size", type=int, nargs=2, default=(200, 200), metavar=("HEIGHT", "WIDTH"),
        help="in pixels")  # fmt: skip
    add("--weights", default="imagenet", help="imagenet, none, or a weights file")
    add("--backbone", default="MobileNetV3Large", help="MobileNetV3Large or MobileNetV3Small")
    add("--patience", type=int, default=5, help="epochs without gain before a phase ends")
    add("--seed", type=int, default=42, help="another seed, another run")
    add("--synth", type=int, default=100, metavar="N",
        help="drawn hands a class mixed into the training pictures; 0 for none")  # fmt: skip
    add("--strangers", type=Path, nargs="+", default=[], metavar="FOLDER",
        help="class folders of other people, to be reported")  # fmt: skip
    add("--trust", action="store_true", help="do not hash the pictures again before training")
    add("--overwrite", action="store_true", help="replace the run that lies in output_dir")
    add("--resume", action="store_true", help="go on with the run that lies in output_dir")


def run(args: argparse.Namespace) -> int:
    """Trains, exports and evaluates."""
    from fingerspell.config import ModelConfig, TrainConfig, two_phases

    config = TrainConfig(
        dataset_dir=args.dataset_dir,
        output_dir=args.output_dir,
        model=ModelConfig(
            backbone=args.backbone,
            weights=args.weights,
            image_size_px=tuple(args.img_size),
        ),
        phases=two_phases(args.epochs, args.patience, pretrained=args.weights != "none"),
        batch_size=args.batch_size,
        drawn_per_class=args.synth,
        seed=args.seed,
        trust=args.trust,
        overwrite=args.overwrite,
        resume=args.resume,
    )
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from fingerspell import pipeline

    program = Path(sys.argv[0]).name.replace("__main__.py", "fingerspell")
    command = shlex.join([program, *sys.argv[1:]])
    report = pipeline.train_and_export(config, command, args.strangers)
    print(pipeline.summary(args.output_dir, report))
    return 0
