"""The command line itself: parse, delegate, mistakes in three lines, options, their reference."""

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from fingerspell import __version__
from fingerspell.cli import main as cli
from fingerspell.cli import reference as module
from fingerspell.cli import train as command
from fingerspell.cli.main import build_parser
from fingerspell.cli.options import configured
from fingerspell.cli.reference import _programs, _reference, main
from fingerspell.config import guide, two_phases
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from helpers.synthetic_folder import scene


@pytest.fixture
def verb(monkeypatch) -> ModuleType:
    """A verb `greet` whose behaviour a test chooses by setting `run`."""
    module = ModuleType("fingerspell.cli.greet")
    module.HELP = "say a name"
    module.add_arguments = lambda parser: parser.add_argument("--name", default="world")
    module.run = lambda args: 0
    monkeypatch.setitem(sys.modules, "fingerspell.cli.greet", module)
    return module


def call(*argv: str) -> int:
    return cli._call(cli.build_parser(("greet",)), argv)


def raising(error: BaseException) -> Callable[[object], int]:
    def run(_: object) -> int:
        raise error

    return run


def test_a_verb_or_its_door_gets_its_arguments_and_its_exit_code_is_passed_on(verb):
    verb.run = lambda args: len(args.name)
    assert call("greet", "--name", "Ada") == 3
    assert cli.door("greet", ["--name", "Grace"]) == 5


def test_a_users_mistake_is_three_lines_and_a_fault_of_ours_keeps_its_traceback(verb, capsys):
    verb.run = raising(ConfigError(found="name=''", expected="a name", fix="--name Ada"))
    assert call("greet") == 2
    told = "error: name=''\n  expected: a name\n  to fix:   --name Ada\n"
    assert capsys.readouterr().err == told
    verb.run = raising(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        call("greet")


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii", "utf-8"])
def test_no_character_ends_a_command_whatever_the_encoding(verb, monkeypatch, encoding):
    """Windows' code pages, and a file name of bytes that are no text."""
    said = "\u0627 \u2192 \u00e9 \ud83d\udc4c"
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    verb.run = lambda args: print(args.name) or print(args.name, file=sys.stderr) or 0
    assert cli.door("greet", ["--name", said]) == 0
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        line = stream.buffer.getvalue().decode(encoding).strip()
        assert ("\\u2192" in line) is (encoding != "utf-8")


def test_a_data_set_is_made_and_told_where_output_goes_into_a_windows_file(tmp_path):
    for place, label in enumerate(("\u017c", "\u0905", "a")):
        (tmp_path / "in" / label).mkdir(parents=True)
        for number in range(6):
            data = encode_jpeg(scene(10 * place + number))
            (tmp_path / "in" / label / f"{number}.jpg").write_bytes(data)
    command = [sys.executable, "-m", "fingerspell", "prepare", "--input_dir", tmp_path / "in"]
    done = subprocess.run(
        [*command, "--output_dir", tmp_path / "out"], capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert rb"a \u2192 A" in done.stdout and rb"\u0905" in done.stdout


def test_ctrl_c_ends_quietly(verb, capsys):
    verb.run = raising(KeyboardInterrupt())
    assert call("greet") == 130
    assert "Ctrl-C" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["sing"], ["greet", "--loud"]])
def test_what_cannot_be_parsed_is_exit_code_2(verb, argv):
    with pytest.raises(SystemExit, match="2"):
        call(*argv)


def test_the_version_is_the_packages_own(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out.strip() == f"fingerspell {__version__}"


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_verb_and_every_option_of_it_says_what_it_means(name):
    from fingerspell.cli.reference import _verbs_of

    def silent(parser) -> list[str]:
        inner = [x for child in _verbs_of(parser).values() for x in silent(child)]
        return inner + [a.dest for a in parser._actions if not a.help and a.dest != "command"]

    module = __import__(f"fingerspell.cli.{name}", fromlist=["HELP"])
    assert module.HELP and "\n" not in module.HELP
    assert callable(module.add_arguments) and callable(module.run)
    verb = _verbs_of(cli.build_parser((name,)))[name]
    assert [dest for dest in silent(verb) if not _verbs_of(verb)] == []


RECIPE = """
from fingerspell.config import assemble, two_phases

def recipe(*, epochs=4, patience_epochs=2, weights="none", **given):
    phases = two_phases(epochs, patience_epochs, pretrained=weights != "none")
    return assemble(
        given, phases=phases, weights=weights, batch_size=6, image_size_px=(96, 96), seed=1
    )
"""


@pytest.fixture
def ask(tmp_path):
    """Returns what a command line asks for; `RECIPE` stands for a file with it."""

    def config_of(*words):
        path = tmp_path / "mine.py"
        path.write_text(RECIPE, encoding="utf-8")
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        return configured(parser.parse_args([str(path) if w == "RECIPE" else w for w in words]))

    return config_of


def test_options_are_the_guides_settings_and_without_any_it_is_the_guides_run(ask):
    assert ask() == guide()
    run = ask("--dataset_dir", "a", "--output_dir", "b", "--epochs", "9", "--batch_size", "8",
              "--img_size", "64", "96", "--weights", "none", "--backbone", "MobileNetV3Small",
              "--patience", "2", "--seed", "7", "--synth", "0",
              "--save_every_steps", "500")  # fmt: skip
    assert run == guide(
        dataset_dir=Path("a"), output_dir=Path("b"), epochs=9, batch_size=8, weights="none",
        image_size_px=(64, 96), backbone="MobileNetV3Small", patience_epochs=2, seed=7,
        synthetic_per_class=0, save_every_steps=500,
    )  # fmt: skip


def test_a_recipes_own_settings_hold_against_the_options_defaults(ask):
    run = ask("--config", "RECIPE")
    assert (run.batch_size, run.seed, run.model.image_size_px) == (6, 1, (96, 96))
    assert run.phases == two_phases(4, 2, pretrained=False)


def test_what_is_given_explicitly_replaces_a_recipes_setting_even_by_the_default_value(ask):
    run = ask("--config", "RECIPE", "--batch_size", "32", "--img_size", "200", "200")
    assert (run.batch_size, run.model.image_size_px) == (32, (200, 200))
    assert ask("--epochs", "9", "--config", "RECIPE").phases == two_phases(9, 2, pretrained=False)


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
    monkeypatch.setattr(module, "_whole", lambda: "fresh\n")
    assert main(["--check"]) == 1
    assert not module.TARGET.exists()
    assert main([]) == 0
    assert main(["--check"]) == 0
    module.TARGET.write_text("old", encoding="utf-8")
    assert main(["--check"]) == 1
