"""Studies in short runs: what is left out is left out, one choice at a time is undone."""

import argparse
import json

import numpy as np
import pytest
import unseen_signers_page

import circumstances
import left_out
import short_levers
import short_runs
import short_runs_page
from fingerspell.config import AugmentConfig, ModelConfig, load_recipe
from fingerspell.images import encode_jpeg
from fingerspell.model import build_recogniser, load_backbone_weights, load_recogniser
from fingerspell.model.build import backbone_of
from helpers.tiny_network import tiny_backbone


def test_every_source_is_read_by_networks_that_never_saw_it_and_learnt_from_all_others():
    found = left_out.trials(("a", "b", "c"), ("d", "e"))
    assert found[0].sources == ("a", "b", "c")
    assert found[0].read == (*left_out.STRANGERS, "d", "e")
    assert found[1].sources == ("a", "b", "c", "d", "e")
    assert found[1].read == left_out.STRANGERS
    every, releasable = found[2:7], found[7:]
    assert [t.read for t in releasable] == [("c",), ("b",), ("a",)]
    assert [t.read for t in every] == [("e",), ("d",), ("c",), ("b",), ("a",)]
    for group, whole in ((releasable, "abc"), (every, "abcde")):
        assert all(set(t.sources) == set(whole) - set(t.read) for t in group)
    assert len({t.name for t in found}) == len(found)


def test_where_one_source_alone_may_be_released_nothing_is_trained_without_pictures():
    found = left_out.trials(("a",), ("b",))
    assert [(t.sources, t.read) for t in found[2:]] == [(("a",), ("b",)), (("b",), ("a",))]


def test_calls_that_share_a_study_do_each_run_once_and_save_nothing(data, monkeypatch):
    asked = [
        "--data", str(data / "data"), "--weights", "none", "--releasable", "one", "--study_only",
        "two", "--epochs", "1", "--side", "32", "--drawn", "1", "--work", str(data / "work"),
        "--batch_size", "8", "--first_epochs", "0", "--seeds", "1", "2",
    ]  # fmt: skip
    done = []
    figures = {"letters_24": 0.5, "letters_26": 0.5}

    def noted(trial, config, folder):
        done.append((trial.name, config.seed, config.output_dir.name))
        return {"commit": "c", "test": 0.0, "read": dict.fromkeys(trial.read, figures)}

    monkeypatch.setattr(short_runs, "one", noted)
    assert left_out.main([*asked, "--part", "1/3"]) == 0
    assert len(done) == 3 and {where for *_, where in done} == {"run_1"}
    assert left_out.main([*asked, "--part", "2/3"]) == left_out.main([*asked, "--part", "3/3"]) == 0
    assert len({(name, seed) for name, seed, _ in done}) == len(done) == 2 * 4
    assert not (data / "results").exists()
    assert left_out.main([*asked, "--name", "left_out_again"]) == 0
    assert len(done) == 2 * 4
    assert [x.stem for x in (data / "results").iterdir()] == ["left_out_again"]
    saved = json.loads((data / "results" / "left_out_again.json").read_text(encoding="utf-8"))
    assert "--name left_out_again" in saved["command"]
    assert [(run["trial"], run["seed"]) for run in saved["runs"][::4]] == [
        ("releasable sources", 1), ("releasable sources", 2),
    ]  # fmt: skip


def test_what_is_dear_comes_last_and_once(data, monkeypatch):
    trials = [
        short_runs.Trial("dear", ("one",), ("two",), seeds=1),
        short_runs.Trial("cheap", ("one",), ("two",)),
    ]
    done = []
    monkeypatch.setattr(
        short_runs, "one", lambda trial, config, _: done.append((trial.name, config.seed)) or
        {"commit": "c", "test": 0.0, "read": {}},
    )  # fmt: skip
    args = short_runs.parser("x").parse_args(
        ["--data", str(data / "data"), "--weights", "none", "--first_epochs", "0",
         "--seeds", "1", "2", "--work", str(data / "work")]
    )  # fmt: skip
    assert short_runs.study("some", args, trials, []) == 0
    assert done == [("cheap", 1), ("cheap", 2), ("dear", 1)]


@pytest.mark.parametrize("wrong", ["2", "0/2", "3/2", "a/b", "1/2/3"])
def test_a_part_that_is_none_is_refused(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        left_out.main(["--weights", "none", "--part", wrong])
    assert ended.value.code == 2
    assert "expected 1/2 or 2/2" in capsys.readouterr().err


@pytest.mark.parametrize("study", [left_out, short_levers])
@pytest.mark.parametrize(("wrong", "told"), [
    (["--data", "nowhere", "--weights", "none"], "nowhere has no one, two, dev_signify, dev_"),
    (["--weights", "gone.h5"], "no file gone.h5"),
])  # fmt: skip
def test_what_is_missing_is_named_before_hands_are_synthetic(
    study, wrong, told, data, monkeypatch, capsys
):
    monkeypatch.setattr(short_runs, "program", lambda *_: pytest.fail("began"))
    asked = ["--data", str(data / "data"), "--releasable", "one", "--study_only", "two", *wrong]
    with pytest.raises(SystemExit) as ended:
        study.main(asked)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


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
    without = [f"all sources without {name}" for name in ("two", "two", "one")]
    assert trained == ["releasable sources", "all sources", *without]
    saved = json.loads((data / "results" / "left_out.json").read_text(encoding="utf-8"))
    assert [list(run["read"]) for run in saved["runs"][2:]] == [["two"], ["one"]]
    page = unseen_signers_page.unseen_signers()
    assert "| one | – | – | " in page and "| **mean of 1** | " in page


def test_studies_that_began_with_other_backbones_are_told_as_one_and_apart():
    def run(trial, score, *names):
        scores = {"letters_24": score, "letters_26": score}
        return {"trial": trial, "seed": 1, "read": dict.fromkeys(names, scores)}

    common = {"image_px": 96, "epochs": 2, "synthetic_per_class": 1, "first_epochs": 8,
              "first_drawn_per_class": 4, "command": "c", "finished": "2026-01-01",
              "versions": {}, "machine": {"system": "s", "processor": "p", "cores": 2}}  # fmt: skip
    whole = (*left_out.STRANGERS, "x")
    first = [run("releasable sources", 0.5, *whole), run("releasable sources without y", 0.4, "y")]
    again = [run("releasable sources", 0.7, *whole), run("all sources without x", 0.9, "x"),
             run("all sources without y", 0.7, "y")]  # fmt: skip
    page = short_runs_page.left_out(
        [{**common, "commit": "abc", "runs": first}, {**common, "commit": "def", "runs": again}]
    )
    assert "| releasable sources | 1 | 1 | 50.0 % | 50.0 % |" in page
    assert "| releasable sources | 2 | 1 | 70.0 % | 70.0 % |" in page
    heads = [page.index(line) for line in page if line.startswith("| source, backbone ")]
    assert page[heads[0] + 2 : heads[0] + 5] == [
        "| x | 50.0 % | 50.0 % |", "| y | 40.0 % | 40.0 % |",
        "| **mean of 2** | 45.0 % | 45.0 % |",
    ]  # fmt: skip
    assert page[heads[1] + 2 : heads[1] + 6] == [
        "| x | 70.0 % | 70.0 % | 90.0 % | 90.0 % |",
        "| y | – | – | 70.0 % | 70.0 % |",
        "| **mean of 1** | 70.0 % | 70.0 % | 90.0 % | 90.0 % |",
        "| **mean of 2** | – | – | 80.0 % | 80.0 % |",
    ]
    assert any("taught 2 times" in line for line in page)
    assert sum("commit abc" in line or "commit def" in line for line in page) == 2


def test_what_synthetic_hands_taught_is_trained_once_and_begun_with(data, monkeypatch):
    options = [
        "--weights", "none", "--side", "32", "--batch_size", "8", "--first_epochs", "1",
        "--first_synthetic", "14", "--work", str(data / "work"),
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
    whole = load_recipe(short_runs.ROOT / "configs" / "unseen signers.py").config()
    short = base()
    assert (short.augment, short.sampling) == (whole.augment, whole.sampling)
    assert len(short.phases) == 1 and short.phases[0].image_size_px is None
    assert sum(phase.epochs for phase in short.phases) == short_runs.EPOCHS


def levers_asked(*more, only=()):
    asked = ["--weights", "w.h5", "--first_epochs", "0", *more]
    return argparse.Namespace(**vars(short_runs.parser("x").parse_args(asked)), only=only)


def test_each_change_undoes_what_its_name_says_and_nothing_else():
    usual, made = base(), short_levers.changes() | short_levers.once_changes(levers_asked())
    assert made.pop("the recipe")(usual) is usual
    undone = {name: differences(usual, change(usual)) for name, change in made.items()}
    assert undone == {
        "from ImageNet's weights, no synthetic hands first": {"model.weights": "w.h5"},
        "from chance, synthetic hands first": {"model.weights": "none"},
        "BatchNormalization frozen, 0.0001": {
            "phases": {"batchnorm_momentum": None, "learning_rate": 1e-4}
        },
        "BatchNormalization frozen, 0.0003": {
            "phases": {"batchnorm_momentum": None, "learning_rate": 3e-4}
        },
        "classes count by their size": {"sampling.class_power": 1.0},
        "sources count by their size": {"sampling.source_power": 1.0},
        "moderate augmentation": {
            f"augment.{name}": getattr(AugmentConfig(), name)
            for name in AugmentConfig.__slots__
            if getattr(AugmentConfig(), name) != getattr(usual.augment, name)
        },
        "no grey pictures": {"augment.grey_share": 0.0},
        "no blurred pictures": {"augment.blur_share": 0.0},
        "no coarse pictures": {"augment.low_resolution_share": 0.0},
        **{f"{px} pixels": {"model.image_size_px": (px, px)} for px in (160, 224)},
    }


def differences(one, other):
    """Returns what differs, by its dotted name; of the only phase, what differs in it."""
    found = {}
    for name in one.__slots__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine == theirs:
            continue
        if name == "phases":
            found[name] = differences(*mine, *theirs)
        elif hasattr(mine, "__slots__"):
            found |= {f"{name}.{key}": value for key, value in differences(mine, theirs).items()}
        else:
            found[name] = theirs
    return found


def test_levers_are_read_by_those_who_choose_and_by_the_unseen_signers():
    found = short_levers.trials(levers_asked("--releasable", "a", "b", "--study_only", "c"))
    assert {t.sources for t in found} == {("a", "b")}
    assert {t.read for t in found} == {("c", *left_out.STRANGERS)}
    assert {t.name for t in found if t.seeds == 1} == set(short_levers.once_changes(levers_asked()))


def test_some_changes_alone_are_compared_with_the_recipe():
    only = ["224 pixels", "no grey pictures"]
    found = short_levers.trials(levers_asked(only=only))
    assert [trial.name for trial in found] == ["the recipe", *reversed(only)]


def test_a_change_that_there_is_not_is_refused_and_all_are_named(data, capsys):
    asked = ["--data", str(data / "data"), "--releasable", "one", "--study_only", "two"]
    with pytest.raises(SystemExit) as ended:
        short_levers.main([*asked, "--weights", "none", "--only", "160 pixels", "512 pixels"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--only 512 pixels: choose from the recipe, " in told and "224 pixels" in told


def test_a_network_from_chance_is_taught_synthetic_hands_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(short_runs, "ROOT", tmp_path)
    names = {}
    for weights in ("w.h5", "none"):
        args = short_runs.parser("x").parse_args(["--weights", weights, "--work", "work"])
        for made in ("synthetic_400_96_8", "synthetic_400_96_8_from_chance"):
            (tmp_path / "work").mkdir(exist_ok=True)
            (tmp_path / "work" / f"{made}.weights.h5").touch()
        names[weights] = short_runs.first_weights(args).rpartition("/")[2]
    assert names["w.h5"] == "synthetic_400_96_8.weights.h5"
    assert names["none"] == "synthetic_400_96_8_from_chance.weights.h5"


def test_the_page_compares_seed_by_seed():
    def run(trial, seed, study, dev):
        read = {
            name: {"letters_24": score, "letters_26": 0}
            for names, score in ((short_runs.STUDY_ONLY, study), (left_out.STRANGERS, dev))
            for name in names
        }
        return {"trial": trial, "seed": seed, "test": 0.9, "read": read}

    runs = [
        run("the recipe", 1, 0.60, 0.70), run("the recipe", 2, 0.66, 0.71),
        run("no noise", 1, 0.61, 0.72), run("no noise", 2, 0.69, 0.71),
        run("160 pixels", 1, 0.70, 0.80),
    ]  # fmt: skip
    told = {
        "command": "x", "commit": "c", "finished": "2026-01-01T00:00:00+00:00", "versions": {},
        "machine": {"system": "s", "processor": "p", "cores": 2}, "epochs": 3, "image_px": 96,
        "synthetic_per_class": 100, "first_epochs": 8, "first_drawn_per_class": 400, "runs": runs,
    }  # fmt: skip
    page = short_runs_page.short_levers([told, {**told, "runs": runs[:3]}])
    heads = [line.partition(" | ")[0] for line in page if line.startswith("| trained, backbone")]
    assert heads == ["| trained, backbone 1", "| trained, backbone 2"]
    assert any("taught 2 times" in line for line in page)
    assert "| no noise | 1 | 61.0 % (+1.0) |  | 72.0 % (+2.0) |  | 90.0 % |" in page
    assert "| the recipe | 2 | 63.0 % | 6.0 | 70.5 % | 1.0 | 90.0 % |" in page
    # Gains of 1 and 3 points, whose mean is off by their deviation, 1.41, over the root of 2.
    assert (
        "| no noise | 2 | 65.0 % (+2.0 ± 1.0) | 8.0 | 71.5 % (+1.0 ± 1.0) | 1.0 | 90.0 % |" in page
    )
    assert "| 160 pixels | 1 | 70.0 % (+10.0) |  | 80.0 % (+10.0) |  | 90.0 % |" in page
