"""What tests of the benchmarks share: a folder of results of their own."""

import pytest

from benchmarks import circumstances


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Results are saved below `tmp_path`, and read from there."""
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    return tmp_path / "results"
