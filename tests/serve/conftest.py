"""One server on the tiny bundle for all tests; its clock is set by hand."""

from dataclasses import dataclass

import pytest

from fingerspell.runtime import Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from helpers.local_client import TestClient
from helpers.tiny_bundle import tiny_bundle


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture(scope="session")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return Recogniser.load(tiny_bundle(tmp_path_factory.mktemp("bundle")))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(recogniser: Recogniser, clock: Clock) -> TestClient:
    limits = Limits(picture_bytes=100_000)
    return TestClient(create_app(recogniser, limits, clock=clock), raise_server_exceptions=False)
