"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_bundle(parser: argparse.ArgumentParser) -> None:
    """Adds `--bundle`: which recogniser answers."""
    parser.add_argument(
        "--bundle",
        "--output_dir",
        type=Path,
        default=Path("output"),
        help="folder of a finished training run (default: output); USE_MOCK_MODEL=1 needs none",
    )


def add_precision(parser: argparse.ArgumentParser) -> None:
    """Adds `--precision`: which of the bundle's three TFLite files answers."""
    parser.add_argument(
        "--precision",
        choices=("float32", "fp16", "int8"),
        default="float32",
        help="which of the bundle's models (default: float32)",
    )
