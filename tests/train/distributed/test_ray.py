"""Ray Train starts the processes of one training, and starts them again where one dies."""

import os
import signal
import time

import pytest

from fingerspell import backends
from helpers.killed_run import newest
from helpers.process_pair import pair
from helpers.ray_run import pids, start
from helpers.run_files import assert_same_run
from helpers.small_run import write_colours


@pytest.fixture(scope="module", autouse=True)
def ray():
    missing = [name for name in ("ray", "jax") if not backends.is_installed(name)]
    assert not (missing and "CI" in os.environ), f"{missing}: part of requirements_test.txt"
    if missing:
        pytest.skip(f'{missing[0]} is not installed: pip install ".[cluster]"')


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_colours(tmp_path_factory.mktemp("data") / "dataset", (8, 5, 4))


@pytest.mark.parametrize("rank", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_ray_starts_all_anew_where_one_process_is_killed(data, tmp_path, rank, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    output = tmp_path / "output"
    with start(data, output) as starter:
        while newest(output) < 8 and starter.poll() is None:
            time.sleep(0.005)
        first = pids(output)
        os.kill(first[rank], signal.SIGKILL)
        said = starter.communicate()[0]
    print(said)
    assert starter.returncode == 0
    assert not set(first.values()) & set(pids(output).values())
    assert "going on with" in said
    assert sorted(p.name for p in output.iterdir() if p.name.startswith(".")) == []
    with pair(data, tmp_path / "straight") as processes:
        assert [process.wait() for process in processes] == [0, 0]
    assert_same_run(output, tmp_path / "straight")


def test_a_mistake_of_the_user_is_told_and_not_tried_again(data, tmp_path):
    """Two processes find that out by themselves: a batch of 24 holds more than a class has."""
    with start(data, tmp_path / "output", 24) as starter:
        said = starter.communicate()[0]
    print(said)
    assert starter.returncode == 2
    assert said.rstrip().splitlines()[-3].startswith("error: batch_size=24, but class")
