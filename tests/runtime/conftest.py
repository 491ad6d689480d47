"""The tiny bundle, and its recogniser."""

from pathlib import Path

import pytest

from fingerspell.runtime import Recogniser
from helpers.tiny_bundle import tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture(scope="session")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return Recogniser.load(tiny_bundle(tmp_path_factory.mktemp("bundle")))
