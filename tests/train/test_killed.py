"""SIGKILL, for real: no handler runs, no file is closed, nothing is said."""

import random
import time

import pytest

from helpers.killed_run import child, kill_after_step, newest
from helpers.run_files import assert_same_run
from helpers.small_run import write_colours


def test_a_killed_run_ends_like_one_that_was_left_alone(tmp_path):
    data = write_colours(tmp_path / "dataset")
    with child(data, tmp_path / "straight", "tiny") as process:
        assert process.wait() == 0
    output = tmp_path / "killed"
    for step, wait_s in ((2, 0.03), (7, 0.0), (12, 0.06)):
        with child(data, output, "tiny") as process:
            assert kill_after_step(process, output, step, wait_s)
    with child(data, output, "tiny") as process:
        assert process.wait() == 0
    assert_same_run(output, tmp_path / "straight")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("tiny", 20), ("real", 6)])
def test_kills_at_random_moments(tmp_path, kind, count):
    """Libraries loaded, a session lives for up to 0.6 of a whole run's length.

    Whenever a run has ended before its next kill, a new one is begun.
    """
    data = write_colours(tmp_path / "dataset", (40, 12, 12))
    with child(data, tmp_path / "straight", kind) as process:
        started_s = time.perf_counter()
        assert process.wait() == 0
        length_s = time.perf_counter() - started_s
    dice, kills, runs = random.Random(5), 0, 1
    while kills < count:
        output = tmp_path / f"killed {runs}"
        with child(data, output, kind) as process:
            time.sleep(dice.uniform(0, 0.6 * length_s))
            process.kill()
            killed = process.wait() != 0
        left = sorted(p.name for p in (output / "checkpoints").glob("*"))
        print(f"{kind} run {runs}: step {newest(output)}, {killed=}, {left}", flush=True)
        if killed:
            kills += 1
        else:
            assert_same_run(output, tmp_path / "straight")
            runs += 1
    output = tmp_path / f"killed {runs}"
    with child(data, output, kind) as process:
        assert process.wait() == 0
    assert_same_run(output, tmp_path / "straight")
