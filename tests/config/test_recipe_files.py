"""Files that are runs: what they may hold, and those that come with the project."""

import hashlib
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import TrainConfig, guide, load_recipe
from fingerspell.errors import ConfigError
from house import ROOT

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


FILES = sorted((ROOT / "configs").glob("*.py"))


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def file(request):
    return load_recipe(request.param)


def described(file) -> str:
    return " ".join(file.path.read_text(encoding="utf-8").split('"""')[1].split())


def without_file(run: TrainConfig) -> TrainConfig:
    return replace(run, recipe_file="", recipe_sha256="")


def test_the_recipes_are_there_and_differ():
    names = {"guide.py", "quick.py", "robust.py", "signer_independent.py"}
    assert names <= {path.name for path in FILES}
    assert len({repr(without_file(load_recipe(path).config())) for path in FILES}) == len(FILES)


def test_a_recipe_says_how_to_run_it_and_where_its_figures_are(file):
    assert f"fingerspell train --config configs/{file.path.name}" in described(file)
    assert re.search(r"docs/[\w/]+\.md", described(file))


def test_every_option_of_the_command_line_is_taken(file):
    given = {
        "dataset_dir": Path("a"), "output_dir": Path("b"), "batch_size": 7, "seed": 5,
        "synthetic_per_class": 3, "trust": True, "resume": True,
    }  # fmt: skip
    run = file.config(**given)
    assert {name: getattr(run, name) for name in given} == given
    run = file.config(image_size_px=(96, 64), backbone="MobileNetV3Small")
    assert (run.model.image_size_px, run.model.backbone) == ((96, 64), "MobileNetV3Small")


def test_the_released_recogniser_takes_the_guides_pictures_and_a_run_of_before_goes_on():
    file = load_recipe(ROOT / "configs" / "signer_independent.py")
    now = file.config(weights="imagenet")
    before = file.config(image_size_px=(160, 160), weights="imagenet")
    assert now.model.image_size_px == guide().model.image_size_px == (200, 200)
    assert before.model.network_px is None
    for run in (now, before):
        assert run.model.network_size_px == (160, 160)
        assert [phase.image_size_px for phase in run.phases] == [(128, 128), None]
    assert file.config().model.network_size_px == (160, 160)
    assert [phase.unfrozen_from for phase in file.config().phases] == [None]
    for weights in ("starter", "imagenet"):
        none = file.config(weights=weights, epochs=0)
        assert sum(phase.epochs for phase in none.phases) == 0, "the weights stay as they are"


@pytest.mark.parametrize("weights", ["none", "imagenet"])
def test_as_many_epochs_as_were_asked_for_and_none_on_a_frozen_untrained_network(file, weights):
    for epochs in (1, 2, 3, 8, 50):
        phases = file.config(epochs=epochs, weights=weights, patience_epochs=2).phases
        assert sum(phase.epochs for phase in phases) == epochs
        assert {phase.patience_epochs for phase in phases} == {2}
        for phase in phases:
            moves = phase.unfrozen_from is not None and phase.batchnorm_momentum is not None
            assert moves or phase.epochs == 0 or weights == "imagenet"


def test_the_guides_file_is_what_the_command_does_by_itself():
    file = load_recipe(ROOT / "configs" / "guide.py")
    assert without_file(file.config()) == guide()
    height_px, width_px = guide().model.image_size_px
    head, whole = (phase.epochs for phase in guide().phases)
    told = described(file)
    assert f"{height_px} × {width_px} pixels, {guide().batch_size} pictures a step" in told
    assert f"{head + whole} epochs: {head} of the head" in told
    assert f"{whole} of the whole network at a tenth of the rate" in told
