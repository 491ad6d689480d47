"""Which recogniser a command takes, and what it says of it."""

import pytest

from fingerspell.cli.options import chosen_predictor
from helpers.tiny_bundle import tiny_bundle


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A working folder without `output`."""
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_without_a_run_the_released_recogniser_answers_and_says_so_once(
    elsewhere, tmp_path, capsys
):
    starter = tiny_bundle(tmp_path / "starter")
    assert chosen_predictor(None, starter=starter).labels[0] == "A"
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("released recogniser") == 1


def test_ones_own_run_answers_without_a_word(elsewhere, tmp_path, capsys):
    starter = tiny_bundle(tmp_path / "starter")
    tiny_bundle(elsewhere / "output")
    assert chosen_predictor(None, "int8", starter).name.endswith("int8")
    assert capsys.readouterr().err == ""


def test_the_stand_in_goes_before_everything_and_says_so(elsewhere, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert chosen_predictor(None, starter=tiny_bundle(tmp_path / "starter")).mock
    assert "mock" in capsys.readouterr().err
