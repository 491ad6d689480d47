"""A folder of synthetic pictures, ready to be prepared."""

from __future__ import annotations

from pathlib import Path

import pytest

from fingerspell.config import PrepareConfig
from helpers.synthetic_folder import alphabet


@pytest.fixture
def config(tmp_path: Path) -> PrepareConfig:
    """Five runs of four frames in each of the classes A and B."""
    hands = alphabet(tmp_path / "hands")
    return PrepareConfig(input_dirs=(hands,), output_dir=tmp_path / "dataset")
