"""Two processes on this processor, for real: the same run as one, killed or not."""

import json
import os
import signal
import time

import pytest

from fingerspell.train.distributed.rank import NAMES
from helpers.killed_run import child, kill_after_step, newest
from helpers.needed import need_backend
from helpers.process_pair import assert_alike, pair
from helpers.run_files import assert_same_run


@pytest.fixture(scope="module", autouse=True)
def jax():
    need_backend("jax")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")
        for name in NAMES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def alone(data, tmp_path_factory):
    output = tmp_path_factory.mktemp("alone") / "output"
    with child(data, output, "tiny") as process:
        assert process.wait() == 0
    return output


def facts(output):
    return json.loads((output / "run.json").read_text(encoding="utf-8"))


def test_two_processes_learn_what_one_does(alone, together):
    assert (facts(together)["processes"], facts(together)["devices"]) == (2, 2)
    assert_alike(alone, together)


def test_two_devices_of_one_process_learn_what_one_does(alone, data, tmp_path, monkeypatch):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=2"
    monkeypatch.setenv("XLA_FLAGS", flags)
    with child(data, tmp_path / "output", "tiny") as process:
        assert process.wait() == 0
    found = facts(tmp_path / "output")
    assert (found["processes"], found["devices"]) == (1, 2)
    assert_alike(alone, tmp_path / "output")


def test_a_killed_process_costs_nothing_but_time(together, data, tmp_path):
    """The launcher's part is played here: it ends those that are left and starts all anew."""
    output = tmp_path / "output"
    with pair(data, output) as (first, other):
        assert kill_after_step(other, output, 8, 0.0)
        first.kill()
    with pair(data, output) as processes:
        assert [process.wait() for process in processes] == [0, 0]
    assert_same_run(output, together)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to all processes of a console")
def test_ctrl_c_in_one_process_stops_all_after_the_same_step(together, data, tmp_path):
    output = tmp_path / "output"
    with pair(data, output) as processes:
        while newest(output) < 8:
            time.sleep(0.002)
        processes[1].send_signal(signal.SIGINT)
        try:
            assert 0 not in [process.wait(timeout=30) for process in processes]
        finally:
            for process in processes:
                process.kill()
    assert 8 <= newest(output) < 15
    with pair(data, output) as processes:
        assert [process.wait() for process in processes] == [0, 0]
    assert_same_run(output, together)
