"""What is refused before Ray is asked for anything."""

import importlib.util

import pytest

from fingerspell.errors import ConfigError
from fingerspell.train.cluster.launch import _check_room, launch
from helpers.small_run import small_config


@pytest.fixture
def jax(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")


def refused(tmp_path, workers, **changes):
    with pytest.raises(ConfigError) as error:
        launch(small_config(tmp_path / "data", tmp_path / "output", **changes), "train", workers)
    assert not (tmp_path / "output").exists()
    return error.value


@pytest.mark.parametrize("workers", [0, -1])
def test_at_least_one_process_is_needed(tmp_path, jax, workers):
    assert refused(tmp_path, workers).found == f"--workers {workers}"


def test_a_batch_must_divide_evenly(tmp_path, jax):
    assert refused(tmp_path, 3, batch_size=8).fix == "use --batch_size 9"
    assert refused(tmp_path, 16, batch_size=4).fix == "use --batch_size 16"


def test_only_jax_joins_processes(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "tensorflow")
    error = refused(tmp_path, 2)
    assert error.found == "--workers with KERAS_BACKEND=tensorflow"
    assert "KERAS_BACKEND=jax" in error.fix


def test_without_ray_the_command_to_get_it_is_named(tmp_path, jax, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert 'pip install ".[cluster]"' in refused(tmp_path, 2).fix


def test_more_processes_than_room_are_refused_where_ray_would_wait():
    _check_room(2, "GPU", 2)
    with pytest.raises(ConfigError, match="--workers 3, but Ray has 2 GPUs"):
        _check_room(3, "GPU", 2)
