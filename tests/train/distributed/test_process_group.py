"""Which process this is, and what processes tell each other: threads stand in for them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fingerspell.errors import ConfigError, RunError
from fingerspell.train.distributed import process_group as group_module
from fingerspell.train.distributed.process_group import (
    ALONE,
    ProcessGroup,
    idle_gpus,
    join_process_group,
)
from fingerspell.train.distributed.rank import _RANK, _WORLD, NAMES, Rank, rank_from

WORLD = 3
PROCESSES = [ProcessGroup(Rank(rank, WORLD, "here:1"), WORLD) for rank in range(WORLD)]


@pytest.fixture
def together(monkeypatch):
    """Runs one function for every process at once and returns what each got."""
    rows, mine = [None] * WORLD, threading.local()
    barrier = threading.Barrier(WORLD, timeout=10)

    def gather(array):
        rows[mine.rank] = array.copy()
        barrier.wait()
        found = np.stack(rows)
        barrier.wait()
        return found

    def run(work):
        def one(processes):
            mine.rank = processes.rank.rank
            return work(processes)

        with ThreadPoolExecutor(WORLD) as pool:
            return list(pool.map(one, PROCESSES))

    monkeypatch.setattr(group_module.engine, "gather", gather)
    return run


def test_a_rank_comes_back_from_its_own_environment_and_without_any_a_process_is_alone():
    rank = Rank(rank=2, world=4, address="10.0.0.1:1234")
    assert rank_from(rank.environment) == rank
    assert rank_from({"PATH": "/bin"}) == Rank(rank=0, world=1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({name: ""}, f"set {name}, or unset the others") for name in NAMES),
        ({_RANK: "2"}, f"{_RANK}=2 with {_WORLD}=2"),
        ({_RANK: "-1"}, f"{_RANK}=-1 with {_WORLD}=2"),
        ({_RANK: "0", _WORLD: "0"}, f"{_RANK}=0 with {_WORLD}=0"),
        ({_RANK: "first"}, "whole numbers"),
    ],
)
def test_half_a_rank_and_one_outside_the_world_are_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        rank_from({**Rank(1, 2, "10.0.0.1:1234").environment, **changes})


def test_the_shares_of_a_batch_make_up_the_batch_and_every_picture_is_somebodys():
    batch = (np.arange(6), np.arange(12).reshape(6, 2))
    shares = [processes.rows(batch) for processes in PROCESSES]
    for number in range(2):
        np.testing.assert_array_equal(np.concatenate([s[number] for s in shares]), batch[number])
    shares = [processes.mine(tuple(range(10))) for processes in PROCESSES]
    assert sorted(sum(shares, ())) == list(range(10))
    assert ALONE.mine(tuple(range(10))) == tuple(range(10))


@pytest.mark.parametrize("kind", ["f2", "f8", np.dtype([("x", "f2", (3,)), ("y", "f8")])])
def test_what_is_gathered_keeps_every_bit(together, kind):
    def own(processes):
        drawn = np.random.default_rng(processes.rank.rank).bytes(2 * np.dtype(kind).itemsize)
        return np.frombuffer(drawn, kind)

    for found in together(lambda processes: processes.gather(own(processes))):
        assert found.dtype == kind
        assert found.tobytes() == b"".join(own(processes).tobytes() for processes in PROCESSES)


@pytest.mark.parametrize(("rows", "total"), [(2, 12), (1, 7), (1, 2)])
def test_what_was_dealt_out_comes_back_in_order(together, rows, total):
    whole = np.arange(2 * total).reshape(total, 2)

    def undealt(processes):
        dealt = [n for n in range(total) if n // rows % WORLD == processes.rank.rank]
        return processes.undealt(whole[dealt], rows, total)

    for found in together(undealt):
        np.testing.assert_array_equal(found, whole)


def test_a_mean_counts_pictures_and_not_processes(together):
    counts, losses = [5, 4, 1], [0.1, 0.7, 10.0]

    def found(processes):
        rank = processes.rank.rank
        return processes.mean({"loss": losses[rank], "accuracy": rank / 2}, counts[rank])

    means = together(found)
    assert means[0] == means[1] == means[2]
    assert means[0]["loss"] == pytest.approx((0.5 + 2.8 + 10) / 10, abs=1e-12)
    assert means[0]["accuracy"] == pytest.approx((2 + 1) / 10, abs=1e-12)


def test_all_learn_that_one_has_something_else_or_does_not_see_the_folder(together, tmp_path):
    together(lambda processes: processes.agree("the run", "same"))
    together(lambda processes: processes.check_shared(tmp_path))

    def differs(processes):
        rank = processes.rank.rank
        with pytest.raises(RunError, match="the run differs among the 3 processes"):
            processes.agree("the run", "other" if rank == 1 else "same")
        with pytest.raises(RunError, match="process 2 does not see the files"):
            processes.check_shared(tmp_path / "elsewhere" if rank == 2 else tmp_path)

    together(differs)
    assert list(tmp_path.iterdir()) == []


def test_the_others_enter_when_rank_0_has_left(together):
    said = []

    def enter(processes):
        with processes.rank_zero_first():
            said.append(processes.rank.rank)
            threading.Event().wait(0.02 if processes.is_rank_zero else 0)
            said.append(processes.rank.rank)

    together(enter)
    assert said[:2] == [0, 0]
    assert sorted(said) == [0, 0, 1, 1, 2, 2]


def test_only_rank_0_speaks_and_each_process_has_something_to_validate_with(capsys):
    for processes in PROCESSES:
        with processes.silence_others():
            print(f"process {processes.rank.rank}")
    assert capsys.readouterr().out == "process 0\n"
    PROCESSES[0].check_held_out(3)
    with pytest.raises(ConfigError, match="2 validation pictures for 3 processes"):
        PROCESSES[0].check_held_out(2)


def test_other_backends_and_an_uneven_batch_are_refused_before_anybody_waits(monkeypatch):
    monkeypatch.setattr("keras.backend.backend", lambda: "torch")
    assert join_process_group(Rank(), 32) == ALONE
    with pytest.raises(ConfigError, match="2 processes with KERAS_BACKEND=torch"):
        join_process_group(Rank(0, 2, "here:1"), 32)
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(ConfigError, match="use --batch_size 33"):
        join_process_group(Rank(0, 3, "here:1"), 32)


def test_unused_gpus_are_told_with_what_would_use_them():
    assert idle_gpus(ALONE, 1, "torch") == idle_gpus(PROCESSES[0], 4, "jax") == ""
    assert idle_gpus(ProcessGroup(devices=4), 4, "jax") == ""
    assert "uses 1 of 2 GPUs; all of them need KERAS_BACKEND=jax" in idle_gpus(ALONE, 2, "torch")
    assert "a --batch_size that 3 divides" in idle_gpus(ProcessGroup(devices=2), 3, "jax")
