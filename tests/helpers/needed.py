"""What a test needs that a user may do without."""

from __future__ import annotations

import os

import pytest

from fingerspell import backends


def need(missing: str) -> None:
    """Skips the test where something is missing; where every submission is tested, it has failed.

    `missing` says what, and how to get it; empty where nothing is.
    """
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


def need_backend(name: str) -> None:
    """Skips, or fails, where a Keras backend is not installed."""
    need("" if backends.is_installed(name) else f"no {name}: {backends.install_backend(name)}")
