"""The command line itself: parse, delegate, and turn mistakes into three lines."""

import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from fingerspell import __version__
from fingerspell.cli import main as cli
from fingerspell.errors import ConfigError


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
    return cli.call(cli.build_parser(("greet",)), argv)


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
    from fingerspell.cli.reference import verbs_of

    def silent(parser) -> list[str]:
        inner = [x for child in verbs_of(parser).values() for x in silent(child)]
        return inner + [a.dest for a in parser._actions if not a.help and a.dest != "command"]

    module = __import__(f"fingerspell.cli.{name}", fromlist=["HELP"])
    assert module.HELP and "\n" not in module.HELP
    assert callable(module.add_arguments) and callable(module.run)
    verb = verbs_of(cli.build_parser((name,)))[name]
    assert [dest for dest in silent(verb) if not verbs_of(verb)] == []
