"""The generated command reference."""

import argparse
from pathlib import Path

import pytest

from fingerspell.cli import reference as module
from fingerspell.cli.main import build_parser
from fingerspell.cli.reference import _programs, _reference, main


@pytest.fixture
def text() -> str:
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers()
    sing = verbs.add_parser("sing", description="sing a song")
    sing.add_argument("song", help="which one")
    sing.add_argument("--key", choices=("a", "b"), default="a", help="pitch; default: %(default)s")
    sing.add_argument("--size", nargs=2, type=int, default=(3, 4), metavar=("H", "W"), help="px")
    sing.add_argument("--pair", nargs=2, help="two")
    sing.add_argument("--to", nargs="+", required=True, help="a | b")
    sing.add_argument("--folder", type=Path, default=Path("out") / "x", help="100 %% sure")
    sing.add_argument("--loud", action="store_true", help="shout")
    sing.add_argument("--hidden", help=argparse.SUPPRESS)
    again = verbs.add_parser("again", description="once more.").add_subparsers()
    again.add_parser("loudly").add_argument("--n", default=2, help="times")
    return _reference(parser)


def test_every_kind_of_option_becomes_a_row_but_help_and_hidden_ones(text):
    rows = {
        "| `SONG` | required | which one |",
        "| `--key {a,b}` | `a` | pitch |",
        "| `--size H W` | `3 4` | px |",
        "| `--pair PAIR PAIR` |  | two |",
        "| `--to TO …` | required | a \\| b |",
        "| `--folder FOLDER` | `out/x` | 100 % sure |",
        "| `--loud` |  | shout |",
        "| `--n N` | `2` | times |",
        "Sing a song.",
        "Once more.",
        "## fingerspell sing",
        "### fingerspell again loudly",
    }
    assert rows - set(text.splitlines()) == set()
    assert "--help" not in text and "--hidden" not in text


def test_a_program_that_is_no_verb_has_its_section_too(monkeypatch):
    monkeypatch.setattr(module, "PROGRAMS", {"doctor": "look.py"})
    assert _programs(build_parser(("doctor",))).startswith("## python backend/look.py\n")


def test_check_tells_an_old_file_from_a_fresh_one_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TARGET", tmp_path / "cli.md")
    monkeypatch.setattr(module, "whole", lambda: "fresh\n")
    assert main(["--check"]) == 1
    assert not module.TARGET.exists()
    assert main([]) == 0
    assert main(["--check"]) == 0
    module.TARGET.write_text("old", encoding="utf-8")
    assert main(["--check"]) == 1
