"""What a test needs beside Python's packages."""

from __future__ import annotations

import os

import pytest


def need(missing: str) -> None:
    """Skips the test where something is missing; where every submission is tested, it has failed.

    `missing` says what, and how to get it; empty where nothing is.
    """
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
