"""The recipes that come with the project: each a run that can be trained as it stands."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import TrainConfig, guide, load_recipe
from house import ROOT

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
