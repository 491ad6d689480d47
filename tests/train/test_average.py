"""Several runs' networks averaged into one."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from fingerspell.cli.main import door
from fingerspell.errors import ConfigError, RunError
from fingerspell.labels import read_labels
from fingerspell.model import (
    backbone_of,
    build_recogniser,
    head_of,
    load_recogniser,
    looks_of,
    save_recogniser,
)
from fingerspell.model.closer import place_of
from fingerspell.runtime import Recogniser
from fingerspell.train import folder
from fingerspell.train.average import average
from fingerspell.train.run import train
from helpers.small_run import FINETUNE, SMALL, small_config, write_colours
from helpers.tiny_network import tiny_backbone_with_grid

BUILD = "fingerspell.model.build.build_backbone"


@pytest.fixture(scope="module", autouse=True)
def quickly_placed():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BUILD, tiny_backbone_with_grid)
        for name, value in (("HANDS", 26), ("SCENES", 6)):
            patch.setattr(f"fingerspell.train.place.{name}", value)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, quickly_placed):
    """A data set, a run on it, and a run that went on from that one's weights and looks closer."""
    base = tmp_path_factory.mktemp("average")
    dataset = write_colours(base / "dataset", pictures=(60, 8, 8))
    first = small_config(dataset, base / "first", phases=(FINETUNE,))
    train(first)
    model = replace(SMALL, weights=str(base / "first" / folder.MODEL), looks="closer")
    train(small_config(dataset, base / "second", phases=(FINETUNE,), model=model, seed=3))
    return base


def weights_of(run):
    model = load_recogniser(run / folder.MODEL)
    return [*backbone_of(model).get_weights(), *head_of(model).get_weights()]


def test_the_network_is_the_mean_of_all_with_the_last_ones_looks(made, tmp_path):
    facts = average([made / "first", made / "second"], made / "dataset", tmp_path / "mean")
    one, other, mean = (weights_of(x) for x in (made / "first", made / "second", tmp_path / "mean"))
    for a, b, c in zip(one[:-2], other[:-2], mean[:-2], strict=True):
        np.testing.assert_allclose(c, (a + b) / 2, atol=1e-6)
    assert any(not np.allclose(a, b) for a, b in zip(one[:-2], other[:-2], strict=True))
    # The head alone holds the new temperature.
    for a, b, c in zip(one[-2:], other[-2:], mean[-2:], strict=True):
        np.testing.assert_allclose(c, (a + b) / 2 / facts["temperature"], rtol=1e-4, atol=1e-6)
    last, mean = (load_recogniser(x / folder.MODEL) for x in (made / "second", tmp_path / "mean"))
    assert looks_of(mean) == "closer"
    # Another backbone's features tell otherwise where the hand is.
    assert np.abs(place_of(mean).kernel - place_of(last).kernel).max() > 0
    assert [x["commit"] for x in facts["averaged"]] == [facts["commit"]] * 2
    assert facts["threshold"] == facts["rejection"]["threshold"]
    assert facts == json.loads((tmp_path / "mean" / folder.RUN).read_text(encoding="utf-8"))
    assert read_labels(tmp_path / "mean" / folder.LABELS) == ("A", "B", "nothing")


def test_the_command_exports_and_evaluates(made, tmp_path, capsys):
    arguments = [str(made / "first"), str(made / "second")]
    arguments += ["--dataset_dir", str(made / "dataset"), "--output_dir", str(tmp_path / "mean")]
    assert door("average", arguments) == 0
    network, read = (
        load_recogniser(tmp_path / "mean" / folder.MODEL),
        Recogniser.load(tmp_path / "mean"),
    )
    pictures = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    np.testing.assert_allclose(
        read.probabilities(pictures), network.predict_on_batch(pictures), atol=1e-4
    )
    assert read.threshold == folder.read_json(tmp_path / "mean" / folder.RUN)["threshold"]
    assert (tmp_path / "mean" / "report.html").is_file()
    assert "test accuracy" in capsys.readouterr().out


def test_one_run_is_nothing_to_average(made, tmp_path):
    with pytest.raises(ConfigError, match="at least two runs"):
        average([made / "first"], made / "dataset", tmp_path / "mean")


def test_a_run_on_other_pictures_is_refused(made, tmp_path):
    other = write_colours(tmp_path / "other", pictures=(60, 8, 8), seed=5)
    with pytest.raises(RunError, match="was not trained on"):
        average([made / "first", made / "second"], other, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_a_network_of_another_architecture_is_refused(made, tmp_path, monkeypatch):
    other = shutil.copytree(made / "first", tmp_path / "other")
    with monkeypatch.context() as patch:
        patch.setattr(BUILD, partial(tiny_backbone_with_grid, filters=5))
        save_recogniser(build_recogniser(SMALL, 3), other / folder.MODEL)
    with pytest.raises(RunError, match="other parts"):
        average([other, made / "second"], made / "dataset", tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


def test_a_finished_run_is_not_written_over(made):
    with pytest.raises(RunError, match="already holds a run"):
        average([made / "first", made / "second"], made / "dataset", made / "second")
