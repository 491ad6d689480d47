"""Which run the options of `fingerspell train` ask for."""

import argparse
from pathlib import Path

import pytest

from fingerspell.cli import train as command
from fingerspell.cli.options import configured
from fingerspell.config import guide, two_phases

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
