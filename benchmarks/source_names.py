"""The sources whose people no released network has learnt from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

STUDY_ONLY = ("kaggle_alphabet", "four_signers", "webcam_green", "silhouette", "lowres_dark")
"""May not train a released network: they choose."""

STRANGERS = ("dev_signify", "dev_inaudible", "dev_greywall", "dev_bright_hand", "dev_two_scenes")
"""Train and choose nothing."""


def require_sources(
    parser: argparse.ArgumentParser, data: Path, names: Sequence[str] = (*STUDY_ONLY, *STRANGERS)
) -> None:
    """Ends with code 2 where `data` lacks a source: before any is read for minutes."""
    if missing := [name for name in names if not (data / name).is_dir()]:
        parser.error(f"{data} has no {', '.join(missing)}: name the folder of all sources")
