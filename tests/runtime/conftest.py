"""The tiny bundle, and its recogniser."""

from pathlib import Path

import pytest

from fingerspell.runtime import Recogniser, open_model
from helpers.tiny_bundle import LONE, lone_models, tiny_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture(scope="session", params=["bundle", *LONE])
def recogniser(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Recogniser:
    """The same network from a bundle and from each model that is opened without one."""
    folder = tmp_path_factory.mktemp("models")
    if request.param == "bundle":
        return Recogniser.load(tiny_bundle(folder))
    return open_model(lone_models(folder) / request.param)
