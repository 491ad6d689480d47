"""Runs put together of phases, of a recipe's settings and of what the user gave; written, too."""

from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from fingerspell.config import (
    AugmentConfig,
    ModelConfig,
    Phase,
    SamplingConfig,
    TrainConfig,
    as_recipe,
    assemble,
    guide,
    load_recipe,
    progressive,
    two_phases,
    with_settings,
)
from fingerspell.errors import ConfigError

HEAD = Phase(name="head", epochs=2, learning_rate=3e-3)
FINETUNE = Phase(name="finetune", epochs=10, learning_rate=3e-4, unfrozen_from="all")


def test_a_phase_grows_its_pictures_by_shares_of_its_epochs_in_one_decay():
    phases = progressive(FINETUNE, {96: 0.4, 128: 0.3, 200: 0.3})
    assert [p.image_size_px for p in phases] == [(96, 96), (128, 128), (200, 200)]
    assert [p.epochs for p in phases] == [4, 3, 3]
    assert [p.name for p in phases] == ["finetune 96px", "finetune 128px", "finetune 200px"]
    assert {p.unfrozen_from for p in phases} == {"all"}
    assert [p.decay for p in phases] == [(0.0, 0.4), (0.4, 0.7), (0.7, 1.0)]


@pytest.mark.parametrize(
    ("decay", "of_each"), [((0.5, 1.0), [(0.5, 0.7), (0.7, 1.0)]), (None, [None, None])]
)
def test_stretches_of_a_late_decay_are_late_and_of_none_have_none(decay, of_each):
    phase = replace(FINETUNE, decay=decay)
    assert [p.decay for p in progressive(phase, {96: 0.4, 200: 0.6})] == of_each


@pytest.mark.parametrize("epochs", range(1, 8))
def test_no_epoch_is_lost_or_invented_by_rounding(epochs):
    phases = progressive(replace(FINETUNE, epochs=epochs), {96: 0.4, 128: 0.35, 200: 0.25})
    assert sum(p.epochs for p in phases) == epochs
    assert all(p.epochs > 0 for p in phases)
    assert (phases[0].decay[0], phases[-1].decay[1]) == (0.0, 1.0)


@pytest.mark.parametrize("shares", [{}, {96: 0.5, 128: 0.4}, {96: 1.2, 128: -0.2}])
def test_shares_that_are_no_division_are_refused(shares):
    with pytest.raises(ConfigError, match="shares of finetune"):
        progressive(FINETUNE, shares)


def run(*phases: Phase) -> TrainConfig:
    return TrainConfig(dataset_dir=Path(), output_dir=Path(), phases=phases)


def test_stretches_of_one_decay_may_share_their_peak():
    phases = (HEAD, *progressive(FINETUNE, {96: 0.5, 200: 0.5}))
    assert run(*phases).phases == phases


@pytest.mark.parametrize(
    ("phases", "told"),
    [
        ((HEAD, replace(FINETUNE, learning_rate=3e-3)), "is not below head"),
        ((FINETUNE, replace(FINETUNE, name="x", learning_rate=4e-4)), "is not below finetune"),
        ((HEAD, FINETUNE, FINETUNE), "named head, finetune, finetune"),
    ],
)
def test_rates_that_do_not_fall_and_phases_of_one_name_are_refused(phases, told):
    with pytest.raises(ConfigError, match=told):
        run(*phases)


@pytest.mark.parametrize(
    ("size_px", "network_px", "found"),
    [((200, 200), None, (200, 200)), ((200, 200), 160, (160, 160)), ((96, 64), 60, (60, 40))],
)
def test_the_network_sees_pictures_at_its_size_without_squeezing(size_px, network_px, found):
    config = ModelConfig(image_size_px=size_px, network_px=network_px)
    assert config.network_size_px == found


@pytest.mark.parametrize("network_px", [0, 31, 97, 47])
def test_a_network_size_that_is_too_small_or_larger_than_the_picture_is_refused(network_px):
    with pytest.raises(ConfigError, match=f"(?s)network_px={network_px}.*the picture's, 96"):
        ModelConfig(image_size_px=(96, 64), network_px=network_px)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("image_size_px", (31, 200)),
        ("image_size_px", (128,)),
        ("warmup_share", 1.0),
        ("warmup_share", -0.1),
        ("patience_epochs", -1),
        ("decay", (0.5, 0.5)),
        ("decay", (0.0, 1.1)),
    ],
)
def test_settings_out_of_range_name_themselves(name, wrong):
    with pytest.raises(ConfigError, match=f"finetune.{name}="):
        replace(FINETUNE, **{name: wrong})


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


@pytest.mark.parametrize("name", [f.name for f in fields(TrainConfig)])
def test_every_setting_of_a_run_can_be_named(name):
    value = getattr(guide(), name)
    own = asdict(value) if name == "model" else {name: value}
    assert getattr(assemble({}, **own), name) == value


@pytest.mark.parametrize("name", ["epochs", "model", "bath_size"])
def test_an_unknown_setting_is_named_with_those_that_there_are(name):
    with pytest.raises(ConfigError, match=rf"(?s){name}.*batch_size.*image_size_px"):
        assemble({name: 3})


@pytest.mark.parametrize("wrong", [-1, 0.5])
def test_checkpoints_come_after_whole_numbers_of_steps(wrong):
    with pytest.raises(ConfigError, match=f"save_every_steps={wrong}"):
        guide(save_every_steps=wrong)


def written(run, path, title="The best.", text=("found by a search",)):
    path.write_text(as_recipe(run, title, path.as_posix(), text), encoding="utf-8")
    return load_recipe(path)


def course(run):
    """What a run is, without where it lies and what it was read from."""
    return replace(run, output_dir=Path(), recipe_file="", recipe_sha256="")


MANY = {
    "epochs": 7, "weights": "none", "image_size_px": (64, 96), "augment": AugmentConfig(zoom=0.1),
    "sampling": SamplingConfig(group_power=0.5), "label_smoothing": 1e-4,
}  # fmt: skip


@pytest.mark.parametrize(
    "run",
    [
        guide(),
        guide(**MANY, dataset_dir=Path("my pictures") / 'of "hands"'),
        guide(dataset_dir=Path("H\xe4nde \U0001f919"), weights="it's \U0001f919\u2028 'here'"),
        with_settings(guide(), {"finetune.learning_rate": 0.00012345678901234567}),
    ],
)
def test_a_written_run_reads_back_as_the_same_run(run, tmp_path):
    assert course(written(run, tmp_path / "best.py").config()) == course(run)


def test_a_written_run_says_how_to_run_it_and_takes_options(tmp_path):
    path = tmp_path / "best.py"
    file = written(guide(), path)
    text = path.read_text(encoding="utf-8")
    assert f"fingerspell train --config {path.as_posix()}" in text
    assert text.startswith('"""The best.') and "found by a search" in text
    assert file.config(seed=7, batch_size=8).batch_size == 8
    with pytest.raises(ConfigError, match="'epochs'"):
        file.config(epochs=3)


def test_a_windows_path_does_no_harm_and_what_one_run_was_given_is_left_out(tmp_path):
    run = guide(resume=True, trust=True, output_dir=Path("elsewhere"))
    command = 'fingerspell train --config C:\\Users\\new """x"""'
    again = written(run, tmp_path / "best.py", text=(command,)).config()
    assert (again.resume, again.trust, again.output_dir) == (False, False, Path("output"))
