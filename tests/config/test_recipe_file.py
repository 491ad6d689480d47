"""A file that is a run: what it may hold, and what is said of files that do not work."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from fingerspell.config import guide, load_recipe
from fingerspell.errors import ConfigError

WORKING = """
from fingerspell.config import guide

def recipe(*, epochs=7, **given):
    return guide(epochs=epochs, **given)
"""


@pytest.fixture
def write(tmp_path):
    """Writes a recipe's text into `mine.py`; returns its path."""

    def text_to_path(text=WORKING):
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        return tmp_path / "mine.py"

    return text_to_path


def test_a_file_and_what_the_user_gives_say_what_a_run_is(write):
    recipe = load_recipe(write())
    assert recipe.config().phases == guide(epochs=7).phases
    run = recipe.config(epochs=3, batch_size=8)
    assert (run.phases, run.batch_size) == (guide(epochs=3).phases, 8)
    with pytest.raises(ConfigError, match="batch_size=0"):
        recipe.config(batch_size=0)


def test_a_run_remembers_the_file_it_came_from(write):
    path = write()
    run = load_recipe(path).config()
    assert run.recipe_file == "mine.py"
    assert run.recipe_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (guide().recipe_file, guide().recipe_sha256) == ("", "")


def test_a_file_that_changed_within_a_second_is_read_anew(write, monkeypatch):
    """Python's own cache tells files apart by whole seconds and size."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = write()
    second = path.stat().st_mtime
    load_recipe(path)
    write(WORKING.replace("7", "8"))
    os.utime(path, (second, second))
    assert load_recipe(path).config().phases == guide(epochs=8).phases
    assert not (path.parent / "__pycache__").exists()


def test_the_line_is_named_for_a_relative_path_too(write, monkeypatch):
    path = write("x = 1\n\nimport no_such_module")
    monkeypatch.chdir(path.parent)
    with pytest.raises(ConfigError, match=r"correct line 3 of mine\.py"):
        load_recipe(Path(path.name))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def recipe(:", r"cannot be run \(SyntaxError.*correct line 1 of mine\.py"),
        ("\nimport no_such_module", r"cannot be run \(ModuleNotFoundError.*correct line 2"),
        ("x = 3", r"has no function recipe\(\)"),
        ("recipe = 3", r"has no function recipe\(\)"),
        ("def recipe(**given):\n    return 3", r"returned int.*a TrainConfig.*assemble"),
        ("def recipe(**given):\n    pass", "returned NoneType"),
        ("def recipe(**given):\n    return 1 / 0", r"failed \(ZeroDivisionError.*correct line 2"),
        ("def recipe(folder):\n    pass", r"missing a required argument: 'folder'.*\*\*given"),
        ("recipe = min", r"recipe\(\) in"),
    ],
)
def test_a_file_that_does_not_work_is_told_with_what_to_mend(write, text, words):
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        load_recipe(write(text)).config()


def test_a_recipe_that_takes_no_options_says_how_to(write):
    path = write("from fingerspell.config import guide\ndef recipe():\n    return guide()")
    assert load_recipe(path).config() is not None
    with pytest.raises(ConfigError, match=r"(?s)unexpected keyword argument 'epochs'.*\*\*given"):
        load_recipe(path).config(epochs=3)


def test_ranges_are_checked_when_the_file_is_loaded_and_not_first_by_a_search(write):
    path = write(WORKING + 'search_space = {"augment.zum": (0.1, 0.2)}')
    with pytest.raises(ConfigError, match=r"(?s)mine\.py holds 'augment\.zum'"):
        load_recipe(path).config()


@pytest.mark.parametrize(
    ("name", "words"),
    [("absent.py", "cannot be read"), ("", "cannot be read"), ("notes.txt", r"ends in \.py")],
)
def test_a_path_that_is_no_python_file_is_told(tmp_path, name, words):
    (tmp_path / "notes.txt").write_text("x = 3", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        load_recipe(tmp_path / name)
