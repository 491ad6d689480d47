"""Rank of a process: read from, and written to, Keras's environment variables.

Without Keras: a launched process needs its rank before Keras is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fingerspell.errors import ConfigError, require

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
        """Returns the environment variables that give a process this rank."""
        return {ADDRESS: self.address, WORLD: str(self.world), RANK: str(self.rank)}


def rank_from(environment: Mapping[str, str]) -> Rank:
    """Returns this process's rank from its environment; without the three variables it is alone.

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
