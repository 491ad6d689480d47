"""Runs put together: a recipe's own settings, and what the user gave in their place."""

import dataclasses
from pathlib import Path

import pytest

from fingerspell.config import ModelConfig, TrainConfig, assemble, guide, two_phases
from fingerspell.errors import ConfigError


def test_the_guide_is_fifty_epochs_at_two_hundred_pixels_unless_told_otherwise():
    run = guide()
    assert [phase.epochs for phase in run.phases] == [15, 35]
    assert run.model.image_size_px == (200, 200)
    assert (run.batch_size, run.synthetic_per_class, run.model.weights) == (32, 100, "auto")
    assert (run.dataset_dir, run.output_dir) == (Path("dataset"), Path("output"))
    assert guide(epochs=9, patience_epochs=2).phases == two_phases(9, 2)
    assert guide(epochs=9, weights="none").phases == two_phases(9, pretrained=False)


def test_what_was_given_replaces_what_the_recipe_says_of_the_run_and_of_the_network():
    run = assemble({"batch_size": 8, "weights": "none"}, batch_size=64, weights="imagenet", seed=3)
    assert (run.batch_size, run.model.weights, run.seed) == (8, "none", 3)
    run = assemble({}, image_size_px=(64, 96), dropout=0.1, label_smoothing=0.2)
    assert run.model == ModelConfig(image_size_px=(64, 96), dropout=0.1)
    assert run.label_smoothing == 0.2


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(TrainConfig)])
def test_every_setting_of_a_run_can_be_named(name):
    value = getattr(guide(), name)
    own = dataclasses.asdict(value) if name == "model" else {name: value}
    assert getattr(assemble({}, **own), name) == value


@pytest.mark.parametrize("name", ["epochs", "model", "bath_size"])
def test_an_unknown_setting_is_named_with_those_that_there_are(name):
    with pytest.raises(ConfigError, match=rf"(?s){name}.*batch_size.*image_size_px"):
        assemble({name: 3})


@pytest.mark.parametrize("wrong", [-1, 0.5])
def test_checkpoints_come_after_whole_numbers_of_steps(wrong):
    with pytest.raises(ConfigError, match=f"save_every_steps={wrong}"):
        guide(save_every_steps=wrong)
