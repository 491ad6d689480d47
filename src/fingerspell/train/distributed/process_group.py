"""A network that one process uses alone, to look at pictures without learning from them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ConfigError, RunError, require
from fingerspell.model import carry, copy_at, size_of
from fingerspell.train.devices import jax as engine

ADDRESS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
WORLD = "KERAS_DISTRIBUTION_NUM_PROCESSES"
RANK = "KERAS_DISTRIBUTION_PROCESS_ID"
NAMES = (ADDRESS, WORLD, RANK)


@dataclass(frozen=True, slots=True)
class Rank:
    """Process `rank` of `world`, which meet at `address` (host:port of process 0)."""

    rank: int = 0
    world: int = 1
    address: str = ""

    def __post_init__(self) -> None:
        require(
            0 <= self.rank < self.world,
            found=f"{RANK}={self.rank} with {WORLD}={self.world}",
            expected="processes that count from 0",
            fix=f"give each process another {RANK}, from 0 to {self.world - 1}",
        )

    @property
    def environment(self) -> dict[str, str]:
        """Returns the variables that tell a process that it is this one."""
        return {ADDRESS: self.address, WORLD: str(self.world), RANK: str(self.rank)}


def rank_from(environment: Mapping[str, str]) -> Rank:
    """Returns this process's place; alone, unless all three variables are set.

    Raises `ConfigError` where only some of them are, or where one is no number.
    """
    found = {name: environment[name] for name in NAMES if environment.get(name)}
    if not found:
        return Rank()
    missing = [name for name in NAMES if name not in found]
    require(
        not missing,
        found=f"{' and '.join(found)} without {' and '.join(missing)}",
        expected="all three for a process of several, none for one that trains alone",
        fix=f"set {' and '.join(missing)}, or unset the others",
    )
    try:
        return Rank(int(found[RANK]), int(found[WORLD]), found[ADDRESS])
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            found=f"{RANK}={found[RANK]}, {WORLD}={found[WORLD]}",
            expected="whole numbers",
            fix=f"for the first of two processes: {RANK}=0, {WORLD}=2",
        ) from error


T = TypeVar("T", bound=Any)
FIGURES = ("loss", "accuracy")
"""What a validation finds."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """All processes of a run, seen from one of them.

    `devices` counts those of all processes. Every process computes its rows of each batch; the
    network is the same on all. Only the chief writes files and talks. Methods that exchange
    something must be called by every process, in the same order.
    """

    place: Rank = field(default_factory=Rank)
    devices: int = 1

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process writes files and talks to people."""
        return self.place.rank == 0

    @property
    def part(self) -> tuple[int, int]:
        """Returns which part of every batch is this process's: (k, of n)."""
        return self.place.rank, self.place.world

    def mine(self, items: T) -> T:
        """Returns this process's share of a sequence or array: one of n, in turn."""
        share: T = items[self.place.rank :: self.place.world]
        return share

    def rows(self, batch: tuple[NDArray[Any], ...]) -> tuple[NDArray[Any], ...]:
        """Returns this process's rows of a whole batch."""
        share = len(batch[0]) // self.place.world
        first = self.place.rank * share
        return tuple(array[first : first + share] for array in batch)

    def gather(self, array: NDArray[Any]) -> NDArray[Any]:
        """Returns every process's array, one under another: (n, *shape); shapes must agree."""
        if self.place.world == 1:
            return array[None]
        # As bytes: JAX would make float32 of wider numbers.
        found = engine.gather(np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8))
        return found.view(array.dtype).reshape(-1, *array.shape)

    def dealt(self, share: NDArray[Any], rows: int, total: int) -> NDArray[Any]:
        """Puts together what was dealt out `rows` at a time in turn: (total, …) on every process.

        The last rounds may be short: a share is filled up before it is sent.
        """
        if self.place.world == 1:
            return share
        rounds = -(-total // (rows * self.place.world))
        full = np.zeros((rounds * rows, *share.shape[1:]), share.dtype)
        full[: len(share)] = share
        shares = self.gather(full).reshape(self.place.world, rounds, rows, *share.shape[1:])
        return shares.swapaxes(0, 1).reshape(-1, *share.shape[1:])[:total]

    def mean(self, figures: dict[str, float], count: int) -> dict[str, float]:
        """Returns the mean over all processes of figures that each found on `count` pictures.

        Every process gets the same numbers, to the last bit: they decide when a phase ends.
        """
        if self.place.world == 1:
            return figures
        table = self.gather(np.array([count, *(figures[name] for name in FIGURES)], np.float64))
        sums = table[:, 0] @ table[:, 1:] / table[:, 0].sum()
        return dict(zip(FIGURES, sums.tolist(), strict=True))

    def wait(self) -> None:
        """Returns once every process has come here."""
        self.gather(np.zeros(1, np.uint8))

    @contextlib.contextmanager
    def rank_zero_first(self) -> Iterator[None]:
        """Lets the others into the block when the chief has left it, and find what it wrote."""
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
                found=f"{what} differs among the {self.place.world} processes",
                expected="the same command, data set and versions on every host",
                fix="keep data set and output folder on a file system that all hosts share",
            )

    def check_held_out(self, pictures: int) -> None:
        """Raises `ConfigError` where a process would have nothing to validate with."""
        require(
            pictures >= self.place.world,
            found=f"{pictures} validation pictures for {self.place.world} processes",
            expected="at least one for each",
            fix=f"use --workers {max(1, pictures)} or fewer",
        )

    def share(self, folder: Path) -> None:
        """Raises `RunError` on every process unless all of them see the chief's `folder`."""
        if self.place.world == 1:
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
    def quiet(self) -> Iterator[None]:
        """Lets the chief alone speak; errors that leave the block are told all the same."""
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
        """Ends what the processes have in common: the chief goes on alone."""
        keras.distribution.set_distribution(None)
        if self.place.world > 1:
            engine.leave()


ALONE = ProcessGroup()


def process_group_at(place: Rank, batch_size: int) -> ProcessGroup:
    """Connects this process with the others and spreads batches over all devices.

    Must come before JAX computes anything. One process takes as many of its devices as divide
    the batch; several need a batch that all their devices divide.
    """
    backend = keras.backend.backend()
    require(
        place.world == 1 or backend == "jax",
        found=f"{place.world} processes with KERAS_BACKEND={backend}",
        expected="JAX: Keras joins several processes on no other backend",
        fix='set KERAS_BACKEND=jax (pip install "jax==0.10.*")',
    )
    require(
        batch_size % place.world == 0,
        found=f"batch_size={batch_size} for {place.world} processes",
        expected="a batch that divides evenly among them",
        fix=f"use --batch_size {place.world * max(1, round(batch_size / place.world))}",
    )
    if backend != "jax":
        return ProcessGroup(place)
    if place.world > 1:
        engine.join(place.address, place.world, place.rank)
    names = keras.distribution.list_devices()
    if place.world == 1:
        names = names[: max(n for n in range(1, len(names) + 1) if batch_size % n == 0)]
    require(
        batch_size % len(names) == 0,
        found=f"batch_size={batch_size} for {len(names)} devices in {place.world} processes",
        expected="a batch that divides evenly among all devices",
        fix=f"use --batch_size {len(names) * max(1, round(batch_size / len(names)))}",
    )
    if len(names) > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
        )
    return ProcessGroup(place, len(names))


def idle_gpus(processes: ProcessGroup, gpus: int, backend: str) -> str:
    """Returns what to tell a user whose process leaves GPUs unused; nothing where it uses all."""
    if processes.place.world > 1 or gpus <= processes.devices:
        return ""
    remedy = (
        f"a --batch_size that {gpus} divides"
        if backend == "jax"
        else "KERAS_BACKEND=jax, as Keras spreads a batch on no other backend"
    )
    return f"note: this run uses {processes.devices} of {gpus} GPUs; all of them need {remedy}"


Part = Callable[[keras.Model], keras.Model]


class Replica:
    """Reads with a recogniser's present weights on one device, whatever the others do.

    Batches that are learnt from have one size that all devices divide. The last batch of a pass
    is short, and shares differ by a picture: so each process reads its own share, with a copy
    where the network itself lies on several devices. `part` chooses what of it is wanted.
    """

    def __init__(
        self, processes: ProcessGroup, model: keras.Model, part: Part = lambda model: model
    ) -> None:
        self._model = self._copy = model
        self._network = network = part(model)
        if processes.devices > 1:
            with replicated():
                self._copy = copy_at(model, size_of(model))
                self._network = part(self._copy)
                if network.compiled:
                    self._network.compile(loss=network.loss, metrics=["accuracy"])

    @contextlib.contextmanager
    def present(self) -> Iterator[keras.Model]:
        """Gives the network to read with."""
        with replicated():
            carry(self._model, self._copy)
            yield self._network


@contextlib.contextmanager
def replicated() -> Iterator[None]:
    """Makes and uses networks for one device, as if there were no others."""
    together = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(together)
