from dataclasses import replace
from pathlib import Path

import pytest

from fingerspell.config import Phase, TrainConfig, progressive
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
