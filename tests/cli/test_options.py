"""Which recogniser a command takes, and what it says of it."""

from fingerspell.cli.options import chosen_predictor
from helpers.tiny_bundle import tiny_bundle


def test_it_says_so_once_where_the_answers_are_not_those_of_ones_own_run(
    tmp_path, monkeypatch, capsys
):
    """From a working folder without `output`, with it, and with the stand-in before everything."""
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    starter = tiny_bundle(tmp_path / "starter")
    assert chosen_predictor(None, starter=starter).labels[0] == "A"
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("released recogniser") == 1
    tiny_bundle(tmp_path / "output")
    assert chosen_predictor(None, "int8", starter).name.endswith("int8")
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert chosen_predictor(None, starter=starter).mock
    assert "mock" in capsys.readouterr().err
