"""A search over a recipe's ranges: exact, resumable, judged on validation alone."""

import importlib.util
import json
import shutil
from dataclasses import replace
from hashlib import sha256

import pytest
from optuna import Study

from fingerspell.config import Choice, Range, load_recipe, with_settings
from fingerspell.dataset.manifest import read_manifest
from fingerspell.errors import ConfigError, RunError
from fingerspell.files import write_json
from fingerspell.train import tune as module
from fingerspell.train.run import fingerprint
from fingerspell.train.run_folder import RUN
from fingerspell.train.state import DivergedError
from fingerspell.train.tune import _BEST, _STORE, _TRIALS, _line, summary, tune
from helpers.command import command as typed
from helpers.dying_run import before_each_step_ends
from helpers.small_run import FINETUNE, HEAD, small_config

pytestmark = pytest.mark.usefixtures("tiny_network", "plain_steps")

SPACE = {
    "finetune.learning_rate": Range(1e-4, 1e-2, log=True),
    "model.dropout": Choice((0.0, 0.5)),
    "batch_size": Range(4, 8, whole=True),
}


@pytest.fixture
def config(data, tmp_path):
    phases = (replace(FINETUNE, epochs=2),)
    return small_config(data, tmp_path / "search", phases=phases)


@pytest.fixture
def not_trained(monkeypatch):
    """The folders of the runs, which are no more than what the search reads of them."""
    folders = []

    def finished(config, manifest, command):
        facts = {"validation": {"loss": config.model.dropout + config.batch_size, "accuracy": 0.5}}
        config.output_dir.mkdir(parents=True)
        write_json(config.output_dir / RUN, facts)
        folders.append(config.output_dir.name)
        return facts

    monkeypatch.setattr(module, "train", finished)
    return folders


@pytest.fixture(scope="module")
def searched(data, tmp_path_factory):
    """A whole search of three trials, shared: (its run, what was tried)."""
    folder = tmp_path_factory.mktemp("tune") / "search"
    config = small_config(data, folder, phases=(replace(FINETUNE, epochs=2),))
    return config, tune(config, SPACE, 3, "fingerspell train --tune 3")


def test_every_trial_is_a_run_of_its_own_within_the_ranges_and_the_best_comes_first(searched):
    config, tried = searched
    assert sorted(trial.number for trial in tried) == [0, 1, 2]
    assert [trial.loss for trial in tried] == sorted(trial.loss for trial in tried)
    assert len({trial.settings["finetune.learning_rate"] for trial in tried}) == 3
    for trial in tried:
        folder = config.output_dir / _TRIALS / f"{trial.number:03d}"
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert facts["config"]["batch_size"] == trial.settings["batch_size"]
        assert facts["config"]["model"]["dropout"] == trial.settings["model.dropout"]
        assert facts["validation"]["loss"] == trial.loss
        assert 1e-4 <= trial.settings["finetune.learning_rate"] <= 1e-2
        assert not (folder / "checkpoints").exists()
    told = _line(tried[0], 3)
    assert "val loss" in told and "finetune.learning_rate=" in told and "batch_size=" in told


def test_the_best_setting_is_a_recipe_that_makes_the_same_run(searched):
    config, tried = searched
    manifest = read_manifest(config.dataset_dir)
    again = load_recipe(config.output_dir / _BEST).config()
    best = with_settings(config, tried[0].settings)
    assert fingerprint(again, manifest) == fingerprint(best, manifest)
    assert "fingerspell train --tune 3" in (config.output_dir / _BEST).read_text(encoding="utf-8")


@pytest.fixture
def copied(searched, tmp_path):
    """The settings of the whole search, in a copy of its folder."""
    config = replace(searched[0], output_dir=tmp_path / "search")
    shutil.copytree(searched[0].output_dir, config.output_dir)
    return config


def test_a_finished_search_is_not_repeated_and_a_longer_one_goes_on(searched, copied, not_trained):
    assert tune(copied, SPACE, 3, "") == searched[1]
    assert not_trained == []
    assert len(tune(copied, SPACE, 4, "")) == 4
    assert not_trained == ["003"]


def test_a_search_that_was_stopped_goes_on_and_ends_as_if_it_had_not_been(
    searched, config, monkeypatch, capsys
):
    """Stopped in the second trial, after a step whose checkpoint was written."""

    def stop(state):
        if state.run.folder.name == "001" and state.run.total_steps == 2:
            state.run.interrupt.asked = True

    with monkeypatch.context() as patch:
        before_each_step_ends(patch, stop)
        with pytest.raises(KeyboardInterrupt, match=r"stopped after 1 of 3 .*the same command"):
            tune(config, SPACE, 3, "")
    first = (config.output_dir / _TRIALS / "000" / RUN).stat().st_mtime_ns
    tried = tune(config, SPACE, 3, "")
    assert "going on with finetune after epoch 0, step 3" in capsys.readouterr().out
    assert (config.output_dir / _TRIALS / "000" / RUN).stat().st_mtime_ns == first
    assert tried == searched[1]


@pytest.mark.parametrize("name", ["ask", "tell"])
def test_a_trial_that_was_killed_gets_the_rest_of_its_settings_and_is_trained_once(
    config, not_trained, monkeypatch, name
):
    """Killed when it had one of its settings, and when its run was finished and not yet noted."""
    whole = Study.ask

    def killed(study, *args, **more):
        if name == "ask":
            whole(study).suggest_float("finetune.learning_rate", 1e-4, 1e-2, log=True)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Study, name, killed)
        with pytest.raises(KeyboardInterrupt):
            tune(config, SPACE, 1, "")
    (tried,) = tune(config, SPACE, 1, "")
    assert not_trained == ["000"]
    assert tried.number == 0 and tried.loss < float("inf")
    assert tried.settings.keys() == SPACE.keys()


def test_the_test_split_is_never_decoded(data, config, tmp_path):
    folder = shutil.copytree(data, tmp_path / "dataset")
    for picture in (folder / "test").rglob("*.jpg"):
        picture.write_bytes(b"\xff\xd8\xffno picture")
    (tried,) = tune(replace(config, dataset_dir=folder), SPACE, 1, "")
    assert tried.loss < float("inf")


def test_a_search_of_other_ranges_settings_or_pictures_is_refused(copied):
    fewer = {"batch_size": SPACE["batch_size"]}
    for other, space in ((copied, fewer), (replace(copied, seed=7), SPACE)):
        with pytest.raises(RunError, match=r"(?s)other settings.*--overwrite"):
            tune(other, space, 3, "")


def test_overwrite_begins_anew_and_leaves_what_is_not_the_searchs(config, not_trained):
    config.output_dir.mkdir()
    (config.output_dir / "notes.txt").write_text("mine", encoding="utf-8")
    tune(config, SPACE, 1, "")
    tune(replace(config, overwrite=True), SPACE, 1, "")
    assert not_trained == ["000", "000"]
    names = {path.name for path in config.output_dir.iterdir()}
    assert names == {"notes.txt", _STORE, _TRIALS, _BEST}


def test_layers_of_the_network_alone_can_be_searched_for(config, not_trained):
    wrong = replace(config, phases=(replace(FINETUNE, unfrozen_from="conv_99"),))
    no_layer = {"finetune.unfrozen_from": Choice(("all", None, "conv_99"))}
    for asked, space in ((wrong, SPACE), (config, no_layer)):
        with pytest.raises(ConfigError, match="'conv_99', which is no layer"):
            tune(asked, space, 2, "")
    assert not_trained == [] and not config.output_dir.exists()
    layers = {"finetune.unfrozen_from": Choice(("all", "first"))}
    (tried,) = tune(config, layers, 1, "")
    assert tried.reason == "" and not_trained == ["000"]


@pytest.mark.parametrize("error", [DivergedError, RunError])
def test_a_setting_that_cannot_be_trained_is_told_and_counts_and_a_full_disk_ends_the_search(
    config, monkeypatch, capsys, error
):
    def fail(config, manifest, command):
        raise error(found="no good", expected="", fix="")

    monkeypatch.setattr(module, "train", fail)
    if error is RunError:
        with pytest.raises(RunError, match="no good"):
            tune(config, SPACE, 2, "")
    else:
        tried = tune(config, SPACE, 2, "")
        assert [trial.reason for trial in tried] == ["no good"] * 2
        assert "no good" in capsys.readouterr().out
        assert "no setting could be trained" in summary(config.output_dir, tried)
    assert not (config.output_dir / _BEST).exists()


def test_rates_that_do_not_fit_each_other_cost_a_trial_and_not_the_search(config):
    config = replace(config, phases=(replace(HEAD, epochs=1), replace(FINETUNE, epochs=1)))
    rates = {"finetune.learning_rate": Choice((HEAD.learning_rate, 2 * HEAD.learning_rate))}
    (tried,) = tune(config, rates, 1, "")
    assert "is not below head" in tried.reason
    with pytest.raises(ConfigError, match="--tune 0"):
        tune(config, rates, 0, "")


RECIPE = """
from fingerspell.config import assemble, Phase

search_space = {"model.dropout": [0.1, 0.4]}

def recipe(**given):
    phases = (Phase(name="finetune", epochs=1, learning_rate=1e-3, unfrozen_from="all"),)
    return assemble(given, weights="none", image_size_px=(32, 32), batch_size=8, phases=phases)
"""


def test_the_command_searches_and_says_how_to_train_the_best(data, tmp_path, capsys):
    recipe, output = tmp_path / "mine.py", tmp_path / "search"
    recipe.write_text(RECIPE, encoding="utf-8")
    options = ("--dataset_dir", data, "--output_dir", output, "--config", recipe, "--tune", 2)
    assert typed("train", *options) == 0
    assert f"fingerspell train --config {(output / _BEST).as_posix()}" in capsys.readouterr().out
    assert not (output / "run.json").exists()
    facts = json.loads((output / _TRIALS / "000" / "run.json").read_text(encoding="utf-8"))
    assert facts["config"]["recipe_file"] == "mine.py"
    assert facts["config"]["recipe_sha256"] == sha256(recipe.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (None, (), "the built-in recipe, which declares no ranges"),
        (RECIPE.replace("search_space", "space"), (), "mine.py, which declares no ranges"),
        (RECIPE.replace("dropout", "drop"), (), "'model.drop', which is no setting"),
        (RECIPE, ("--unseen_signers", "people"), "no unseen signer decides"),
        (RECIPE, ("--workers", 2), "--workers together with --tune"),
    ],
)
def test_a_search_that_cannot_be_ends_with_2(data, tmp_path, capsys, text, options, words):
    output = tmp_path / "search"
    if text:
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        options = ("--config", tmp_path / "mine.py", *options)
    folders = ("--dataset_dir", data, "--output_dir", output)
    assert typed("train", *folders, "--tune", 2, *options) == 2
    assert words in capsys.readouterr().err
    assert not output.exists()


def test_without_optuna_the_command_says_how_to_get_it(data, tmp_path, capsys, monkeypatch):
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda x: None if x == "optuna" else known(x))
    (tmp_path / "mine.py").write_text(RECIPE, encoding="utf-8")
    assert typed("train", "--config", tmp_path / "mine.py", "--tune", 2) == 2
    assert 'pip install "optuna' in capsys.readouterr().err
