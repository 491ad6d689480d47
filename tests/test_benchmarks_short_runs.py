"""Studies in short runs: what is left out is left out, one choice at a time is undone."""

import json

import numpy as np
import pytest

import circumstances
import left_out
import short_runs
import strangers_page
from fingerspell.config import ModelConfig, load_recipe
from fingerspell.images import encode_jpeg
from fingerspell.model import build_recogniser, load_backbone_weights, load_recogniser
from fingerspell.model.parts import backbone_of
from helpers.tiny_network import tiny_backbone


def test_every_source_is_read_once_and_by_a_network_that_never_saw_it():
    found = left_out.trials(tuple("abcdefg"), tuple("hijk"))
    apart = found[2:]
    assert sorted(name for t in apart for name in t.read) == list("abcdefghijk")
    assert all(set(t.sources) == set("abcdefghijk") - set(t.read) for t in apart)
    assert len(apart) == left_out.FOLDS
    assert found[0].sources == tuple("abcdefg")
    assert found[1].sources == tuple("abcdefghijk")
    assert found[0].read == found[1].read == left_out.STRANGERS


def test_two_sources_of_one_study_leave_no_training_without_pictures():
    found = left_out.trials(("a",), ("b",))
    assert [(t.sources, t.read) for t in found[2:]] == [(("b",), ("a",)), (("a",), ("b",))]


@pytest.fixture
def data(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("one", "two", *left_out.STRANGERS):
        for label in "ABC":
            (tmp_path / "data" / name / label).mkdir(parents=True)
            for number in range(12):
                rgb = rng.integers(0, 256, (40, 40, 3), np.uint8)
                path = tmp_path / "data" / name / label / f"{number}.jpg"
                path.write_bytes(encode_jpeg(rgb, 90))
    monkeypatch.setattr(circumstances, "RESULTS", tmp_path / "results")
    monkeypatch.setattr("fingerspell.model.build.build_backbone", tiny_backbone)
    return tmp_path


def test_a_study_that_ran_out_of_time_goes_on_with_what_is_left(data, monkeypatch):
    asked = [
        "--data", str(data / "data"), "--weights", "none", "--releasable", "one", "--study_only",
        "two", "--epochs", "1", "--side", "32", "--drawn", "1", "--work", str(data / "work"),
        "--batch_size", "8", "--first_epochs", "0",
    ]  # fmt: skip
    assert left_out.main([*asked, "--budget_s", "0"]) == 3
    trained = []
    whole = short_runs.one

    def spied(trial, config, folder):
        trained.append(trial.name)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return whole(trial, config, folder)

    monkeypatch.setattr(short_runs, "one", spied)
    with pytest.raises(KeyboardInterrupt):
        left_out.main(asked)
    assert left_out.main(asked) == 0
    assert trained == ["releasable sources", "all sources", *["without one"] * 2, "without two"]
    saved = json.loads((data / "results" / "left_out.json").read_text(encoding="utf-8"))
    assert [list(run["read"]) for run in saved["runs"][2:]] == [["one"], ["two"]]
    assert "| two | 1 | " in strangers_page.strangers()


def test_what_drawn_hands_taught_is_trained_once_and_begun_with(data, monkeypatch):
    options = [
        "--weights", "none", "--side", "32", "--batch_size", "8", "--first_epochs", "1",
        "--first_drawn", "14", "--work", str(data / "work"),
    ]  # fmt: skip
    args = short_runs.parser("x").parse_args(options)
    begun = short_runs.first_weights(args)
    learnt = load_recogniser(data / "work" / "run" / "model.keras")
    other = build_recogniser(ModelConfig(image_size_px=(32, 32), weights=begun), 3)
    load_backbone_weights(other, ModelConfig(image_size_px=(32, 32), weights=begun))
    for mine, theirs in zip(
        backbone_of(other).get_weights(), backbone_of(learnt).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
    monkeypatch.setattr("fingerspell.train.run.train", None)
    assert short_runs.first_weights(args) == begun
    args.first_epochs = 0
    assert short_runs.first_weights(args) == "none"


def base():
    args = short_runs.parser("x").parse_args(["--weights", "imagenet.weights.h5"])
    return short_runs.recipe(args, args.work, args.work, 1, args.weights)


def test_the_recipes_short_form_is_the_recipe():
    whole = load_recipe(short_runs.ROOT / "configs" / "strangers.py").config()
    short = base()
    assert (short.augment, short.sampling) == (whole.augment, whole.sampling)
    assert len(short.phases) == 1 and short.phases[0].image_size_px is None
    assert sum(phase.epochs for phase in short.phases) == short_runs.EPOCHS
