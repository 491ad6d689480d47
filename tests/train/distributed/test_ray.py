"""Ray Train starts the processes of one training, and starts them again where one dies."""

import os
import signal
import time

import pytest

from fingerspell import backends
from helpers.killed_run import newest
from helpers.needed import need, need_backend
from helpers.ray_run import REFUSED, pids, start
from helpers.run_files import assert_same_run


@pytest.fixture(scope="module", autouse=True)
def ray():
    need("" if backends.is_installed("ray") else 'no ray: pip install ".[cluster]"')
    need_backend("jax")


@pytest.mark.parametrize("rank", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_a_users_mistake_is_not_tried_again_and_a_killed_process_is(data, together, tmp_path, rank):
    """Ray starts once for both, which takes long. One process of the second run is killed."""
    output = tmp_path / "output"
    with start(data, output) as starter:
        while newest(output) < 8 and starter.poll() is None:
            time.sleep(0.005)
        first = pids(output)
        os.kill(first[rank], signal.SIGKILL)
        said = starter.communicate()[0]
    print(said)
    mistake = said.index(f"{REFUSED}mistake")
    assert mistake < said.index("going on with")
    assert starter.returncode == 0
    assert not set(first.values()) & set(pids(output).values())
    assert sorted(p.name for p in output.iterdir() if p.name.startswith(".")) == []
    assert_same_run(output, together)
