"""Studies in short runs: what is left out is left out, one choice at a time is undone."""

import dataclasses
import json

import numpy as np
import pytest

import circumstances
import leave_one_out
import short_runs
import strangers_levers
import strangers_page
from fingerspell.config import load_recipe
from fingerspell.images import encode_jpeg
from helpers.tiny_network import tiny_backbone


def test_every_source_is_left_out_once_and_read_alone():
    found = leave_one_out.trials(("a", "b"), ("c",))
    assert [(t.sources, t.read) for t in found[2:]] == [
        (("b", "c"), ("a",)),
        (("a", "c"), ("b",)),
        (("a", "b"), ("c",)),
    ]
    assert found[0].sources == ("a", "b")
    assert found[1].sources == ("a", "b", "c")
    assert found[0].read == found[1].read == leave_one_out.STRANGERS


@pytest.fixture
def data(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for name in ("one", "two", *leave_one_out.STRANGERS):
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
        "--batch_size", "8",
    ]  # fmt: skip
    assert leave_one_out.main([*asked, "--budget_s", "0"]) == 3
    trained = []
    whole = short_runs.one

    def spied(trial, config, folder):
        trained.append(trial.name)
        if len(trained) == 3:
            raise KeyboardInterrupt
        return whole(trial, config, folder)

    monkeypatch.setattr(short_runs, "one", spied)
    with pytest.raises(KeyboardInterrupt):
        leave_one_out.main(asked)
    assert leave_one_out.main(asked) == 0
    assert trained == ["releasable sources", "all sources", *["without one"] * 2, "without two"]
    saved = json.loads((data / "results" / "leave_one_out.json").read_text(encoding="utf-8"))
    assert [list(run["read"]) for run in saved["runs"][2:]] == [["one"], ["two"]]
    assert "| without two | 1 |" in strangers_page.strangers()


def base():
    args = short_runs.parser("x").parse_args(["--weights", "imagenet.weights.h5"])
    return short_runs.recipe(args, args.work, args.work, seed=1)


@pytest.mark.parametrize("lever", [x for x in strangers_levers.LEVERS if x != "the recipe"])
def test_a_lever_changes_something_and_only_that(lever):
    before = base()
    after = strangers_levers.LEVERS[lever](before)
    assert after != before
    fields = [f.name for f in dataclasses.fields(before)]
    assert sum(getattr(after, x) != getattr(before, x) for x in fields) == 1


def test_the_recipes_short_form_is_the_recipe():
    whole = load_recipe(short_runs.ROOT / "configs" / "strangers.py").config()
    short = base()
    assert (short.augment, short.sampling) == (whole.augment, whole.sampling)
    assert len(short.phases) == 1 and short.phases[0].image_size_px is None
    assert sum(phase.epochs for phase in short.phases) == short_runs.EPOCHS


def run(trial, seed, studied, dev, test=0.9):
    read = {"silhouette": studied, "dev_signify": dev}
    return {
        "trial": trial, "seed": seed, "test": test, "commit": "abc",
        "read": {name: {"letters_24": x, "letters_26": x} for name, x in read.items()},
    }  # fmt: skip


def test_differences_are_taken_seed_by_seed_and_groups_of_sources_apart():
    runs = [
        run("the recipe", 1, 0.6, 0.8), run("no drawn hands", 1, 0.5, 0.7),
        run("the recipe", 2, 0.7, 0.8), run("no drawn hands", 2, 0.65, 0.85),
        run("larger pictures", 1, 0.64, 0.8),
    ]  # fmt: skip
    study = {"image_px": 96, "epochs": 2, "drawn_per_class": 100, "runs": runs, "command": "c",
             "machine": {"system": "s", "processor": "p", "cores": 2}, "versions": {},
             "commit": "abc", "finished": "2026-01-01"}  # fmt: skip
    lines = strangers_page._levers(study)
    assert "| the recipe | 2 | 65.0 % | 80.0 % | 90.0 % |" in lines
    assert (
        "| no drawn hands | 2 | 57.5 % (-10.0 – -5.0) | 77.5 % (-10.0 – +5.0) | 90.0 % |" in lines
    )
    assert "| larger pictures | 1 | 64.0 % (+4.0) | 80.0 % (+0.0) | 90.0 % |" in lines
