"""The process group of a data-parallel run: ranks, exchange of values, devices.

Every process computes its rows of each batch, and the network is the same on all. Rank 0 writes
files and prints.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ConfigError, RunError
from fingerspell.install import pip
from fingerspell.train.devices import jax as engine
from fingerspell.train.distributed.rank import Rank

T = TypeVar("T", bound=Any)

_METRICS = ("loss", "accuracy")


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """All processes of a run, from the point of view of one of them.

    `devices` counts those of all processes. Methods that exchange something must be called by
    every process, in the same order.
    """

    rank: Rank = field(default_factory=Rank)
    devices: int = 1

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank.rank == 0

    @property
    def part(self) -> tuple[int, int]:
        """Returns this process's part of every batch: (k, of n)."""
        return self.rank.rank, self.rank.world

    def mine(self, items: T) -> T:
        """Returns this process's share of a sequence or array: every n-th item."""
        share: T = items[self.rank.rank :: self.rank.world]
        return share

    def rows(self, batch: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
        """Returns this process's rows of a whole batch."""
        share = len(batch[0]) // self.rank.world
        first = self.rank.rank * share
        return tuple(array[first : first + share] for array in batch)

    def gather(self, array: NDArray[Any]) -> NDArray[Any]:
        """Returns the arrays of all processes, stacked: (n, *shape). Shapes must be equal."""
        if self.rank.world == 1:
            return array[None]
        # As bytes: JAX would make float32 of wider numbers.
        found = engine.gather(np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8))
        return found.view(array.dtype).reshape(-1, *array.shape)

    def undealt(self, share: NDArray[Any], rows: int, total: int) -> NDArray[Any]:
        """Joins shares that were dealt out `rows` at a time in turn: (total, …) on every process.

        The last rounds may be short: a share is padded before it is sent.
        """
        if self.rank.world == 1:
            return share
        rounds = -(-total // (rows * self.rank.world))
        full = np.zeros((rounds * rows, *share.shape[1:]), share.dtype)
        full[: len(share)] = share
        shares = self.gather(full).reshape(self.rank.world, rounds, rows, *share.shape[1:])
        return shares.swapaxes(0, 1).reshape(-1, *share.shape[1:])[:total]

    def mean(self, metrics: dict[str, float], count: int) -> dict[str, float]:
        """Returns the mean over all processes of metrics, each weighted by its `count` of pictures.

        Every process gets the same numbers, to the last bit: they decide when a phase ends.
        """
        if self.rank.world == 1:
            return metrics
        table = self.gather(np.array([count, *(metrics[name] for name in _METRICS)], np.float64))
        sums = table[:, 0] @ table[:, 1:] / table[:, 0].sum()
        return dict(zip(_METRICS, sums.tolist(), strict=True))

    def wait(self) -> None:
        """Waits until every process has called this (a barrier)."""
        self.gather(np.zeros(1, np.uint8))

    @contextlib.contextmanager
    def rank_zero_first(self) -> Iterator[None]:
        """Runs the block on rank 0 first, then on the others, which find what it wrote."""
        if not self.is_rank_zero:
            self.wait()
        yield
        if self.is_rank_zero:
            self.wait()

    def agree(self, what: str, value: str) -> None:
        """Raises `RunError` on every process unless all of them hold the same `value`."""
        digest = hashlib.sha256(value.encode()).digest()
        rows = self.gather(np.frombuffer(digest, np.uint8))
        if (rows != rows[0]).any():
            raise RunError(
                found=f"{what} differs among the {self.rank.world} processes",
                expected="the same command, data set and versions on every host",
                fix="keep data set and output folder on a file system that all hosts share",
            )

    def check_held_out(self, pictures: int) -> None:
        """Raises `ConfigError` where a process would have nothing to validate with."""
        if pictures < self.rank.world:
            raise ConfigError(
                found=f"{pictures} validation pictures for {self.rank.world} processes",
                expected="at least one for each",
                fix=f"use --workers {max(1, pictures)} or fewer",
            )

    def check_shared(self, folder: Path) -> None:
        """Raises `RunError` on every process unless all of them see rank 0's `folder`."""
        if self.rank.world == 1:
            return
        name = self.gather(np.frombuffer(secrets.token_bytes(8), np.uint8))[0].tobytes().hex()
        marker = folder / f".shared-{name}"
        if self.is_rank_zero:
            marker.write_bytes(b"")
        self.wait()
        seen = self.gather(np.array([marker.exists()], np.uint8))[:, 0]
        if self.is_rank_zero:
            marker.unlink()
        if not seen.all():
            blind = ", ".join(str(rank) for rank in np.flatnonzero(seen == 0))
            raise RunError(
                found=f"process {blind} does not see the files that process 0 writes in {folder}",
                expected="one output folder on a file system that all hosts share",
                fix="choose an --output_dir on such a file system, under the same path everywhere",
            )

    @contextlib.contextmanager
    def silence_others(self) -> Iterator[None]:
        """Discards the output of all ranks but 0; errors that leave the block still appear."""
        if self.is_rank_zero:
            yield
            return
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            contextlib.redirect_stdout(nowhere),
            contextlib.redirect_stderr(nowhere),
        ):
            yield

    def shut_down(self) -> None:
        """Ends the process group: rank 0 continues alone."""
        keras.distribution.set_distribution(None)
        if self.rank.world > 1:
            engine.leave()


ALONE = ProcessGroup()


def join_process_group(rank: Rank, batch_size: int) -> ProcessGroup:
    """Joins the process group and distributes batches over all devices (data parallel).

    Must be called before JAX computes anything. One process takes as many of its devices as divide
    the batch; several need a batch that all their devices divide.
    """
    backend = keras.backend.backend()
    if rank.world > 1 and backend != "jax":
        raise ConfigError(
            found=f"{rank.world} processes with KERAS_BACKEND={backend}",
            expected="JAX: Keras joins several processes on no other backend",
            fix=f"set KERAS_BACKEND=jax ({pip('install', 'jax==0.10.*')})",
        )
    if batch_size % rank.world != 0:
        raise ConfigError(
            found=f"batch_size={batch_size} for {rank.world} processes",
            expected="a batch that divides evenly among them",
            fix=f"use --batch_size {rank.world * max(1, round(batch_size / rank.world))}",
        )
    if backend != "jax":
        return ProcessGroup(rank)
    if rank.world > 1:
        engine.join(rank.address, rank.world, rank.rank)
    names = keras.distribution.list_devices()
    if rank.world == 1:
        names = names[: max(n for n in range(1, len(names) + 1) if batch_size % n == 0)]
    if batch_size % len(names) != 0:
        raise ConfigError(
            found=f"batch_size={batch_size} for {len(names)} devices in {rank.world} processes",
            expected="a batch that divides evenly among all devices",
            fix=f"use --batch_size {len(names) * max(1, round(batch_size / len(names)))}",
        )
    if len(names) > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        )
    return ProcessGroup(rank, len(names))


def idle_gpus(processes: ProcessGroup, gpus: int, backend: str) -> str:
    """Returns a note for a process that leaves GPUs unused; empty where it uses all."""
    if processes.rank.world > 1 or gpus <= processes.devices:
        return ""
    fix = (
        f"a --batch_size that {gpus} divides"
        if backend == "jax"
        else "KERAS_BACKEND=jax, as Keras spreads a batch on no other backend"
    )
    return f"note: this run uses {processes.devices} of {gpus} GPUs; all of them need {fix}"
