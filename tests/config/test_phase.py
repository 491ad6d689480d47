import dataclasses

import pytest

from fingerspell.config import Phase, TrainConfig, progressive
from fingerspell.errors import ConfigError

HEAD = Phase(name="head", epochs=2, learning_rate=3e-3)
FINETUNE = Phase(name="finetune", epochs=10, learning_rate=3e-4, unfrozen_from="all")


def config(tmp_path, *phases: Phase) -> TrainConfig:
    return TrainConfig(dataset_dir=tmp_path, output_dir=tmp_path, phases=phases)


def test_a_phase_grows_its_pictures_by_shares_of_its_epochs():
    phases = progressive(FINETUNE, {96: 0.4, 128: 0.3, 200: 0.3})
    assert [p.image_size_px for p in phases] == [(96, 96), (128, 128), (200, 200)]
    assert [p.epochs for p in phases] == [4, 3, 3]
    assert [p.name for p in phases] == ["finetune 96px", "finetune 128px", "finetune 200px"]
    assert {p.unfrozen_from for p in phases} == {"all"}


def test_one_decay_runs_through_all_its_stretches():
    decays = [p.decay for p in progressive(FINETUNE, {96: 0.4, 128: 0.3, 200: 0.3})]
    assert decays == [(0.0, 0.4), (0.4, 0.7), (0.7, 1.0)]
    late = dataclasses.replace(FINETUNE, decay=(0.5, 1.0))
    assert [p.decay for p in progressive(late, {96: 0.4, 200: 0.6})] == [(0.5, 0.7), (0.7, 1.0)]


def test_stretches_of_a_phase_without_decay_have_none():
    flat = dataclasses.replace(FINETUNE, decay=None)
    assert [p.decay for p in progressive(flat, {96: 0.4, 200: 0.6})] == [None, None]


@pytest.mark.parametrize("epochs", range(1, 8))
def test_no_epoch_is_lost_or_invented_by_rounding(epochs):
    phases = progressive(
        dataclasses.replace(FINETUNE, epochs=epochs), {96: 0.4, 128: 0.35, 200: 0.25}
    )
    assert sum(p.epochs for p in phases) == epochs
    assert all(p.epochs > 0 for p in phases)
    assert (phases[0].decay[0], phases[-1].decay[1]) == (0.0, 1.0)


@pytest.mark.parametrize("shares", [{}, {96: 0.5, 128: 0.4}, {96: 1.2, 128: -0.2}])
def test_shares_that_are_no_division_are_refused(shares):
    with pytest.raises(ConfigError, match="shares of finetune"):
        progressive(FINETUNE, shares)


def test_stretches_of_one_decay_may_share_their_peak(tmp_path):
    phases = (HEAD, *progressive(FINETUNE, {96: 0.5, 200: 0.5}))
    assert config(tmp_path, *phases).phases == phases


def test_a_rate_that_does_not_fall_when_the_backbone_begins_to_move_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is not below head"):
        config(tmp_path, HEAD, dataclasses.replace(FINETUNE, learning_rate=3e-3))


def test_a_rate_that_rises_while_the_backbone_moves_is_refused(tmp_path):
    faster = dataclasses.replace(FINETUNE, name="again", learning_rate=4e-4)
    with pytest.raises(ConfigError, match="is not below finetune"):
        config(tmp_path, FINETUNE, faster)


def test_phases_of_one_name_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"named head, finetune, finetune"):
        config(tmp_path, HEAD, FINETUNE, FINETUNE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_size_px": (31, 200)},
        {"image_size_px": (128,)},
        {"warmup_share": 1.0},
        {"warmup_share": -0.1},
        {"patience_epochs": -1},
        {"decay": (0.5, 0.5)},
        {"decay": (0.0, 1.1)},
    ],
)
def test_settings_out_of_range_name_themselves(wrong):
    with pytest.raises(ConfigError, match=f"finetune.{next(iter(wrong))}="):
        dataclasses.replace(FINETUNE, **wrong)
