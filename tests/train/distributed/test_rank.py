"""Keras's own variables say which process this is."""

import pytest

from fingerspell.errors import ConfigError
from fingerspell.train.distributed.rank import _ADDRESS, _RANK, _WORLD, Rank, rank_from


def test_without_any_variable_a_process_is_alone():
    assert rank_from({"PATH": "/bin"}) == Rank(rank=0, world=1)


def test_a_place_comes_back_from_its_own_environment():
    rank = Rank(rank=2, world=4, address="10.0.0.1:1234")
    assert rank_from(rank.environment) == rank


@pytest.mark.parametrize("missing", [_ADDRESS, _WORLD, _RANK])
def test_half_a_place_is_refused_by_the_name_of_what_is_missing(missing):
    environment = {**Rank(1, 2, "10.0.0.1:1234").environment, missing: ""}
    with pytest.raises(ConfigError) as error:
        rank_from(environment)
    assert error.value.fix == f"set {missing}, or unset the others"


@pytest.mark.parametrize(("rank", "world"), [("2", "2"), ("-1", "2"), ("0", "0")])
def test_a_rank_outside_the_world_is_refused(rank, world):
    with pytest.raises(ConfigError, match=f"{_RANK}={rank} with {_WORLD}={world}"):
        rank_from({_ADDRESS: "10.0.0.1:1234", _RANK: rank, _WORLD: world})


def test_words_for_numbers_are_refused():
    with pytest.raises(ConfigError, match="whole numbers"):
        rank_from({_ADDRESS: "10.0.0.1:1234", _RANK: "first", _WORLD: "2"})
