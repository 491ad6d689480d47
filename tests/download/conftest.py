import pytest

from fingerspell.download.catalogue import CATALOGUE, PublicSet

TINY = PublicSet(
    handle="somebody/tiny",
    publisher="Somebody",
    licence="CC0-1.0",
    size_bytes=1000,
    classes=("A", "B"),
    pictures=200,
    note="synthetic",
    then="prepare --input_dir {folder}",
)


@pytest.fixture
def tiny(monkeypatch) -> PublicSet:
    """A set of 200 pictures that the catalogue knows for the time of a test."""
    monkeypatch.setitem(CATALOGUE, "tiny", TINY)
    return TINY
