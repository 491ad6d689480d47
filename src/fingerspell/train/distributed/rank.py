"""Rank of a process: read from, and written to, Keras's environment variables.

Without Keras: a launched process needs its rank before Keras is imported.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fingerspell.errors import ConfigError, require

_ADDRESS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_WORLD = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_RANK = "KERAS_DISTRIBUTION_PROCESS_ID"
NAMES = (_ADDRESS, _WORLD, _RANK)


@dataclass(frozen=True, slots=True)
class Rank:
    """Process `rank` of `world`, which meet at `address` (host:port of process 0)."""

    rank: int = 0
    world: int = 1
    address: str = ""

    def __post_init__(self) -> None:
        require(
            0 <= self.rank < self.world,
            found=f"{_RANK}={self.rank} with {_WORLD}={self.world}",
            expected="processes that count from 0",
            fix=f"give each process another {_RANK}, from 0 to {self.world - 1}",
        )

    @property
    def environment(self) -> dict[str, str]:
        """Returns the environment variables that give a process this rank."""
        return {_ADDRESS: self.address, _WORLD: str(self.world), _RANK: str(self.rank)}


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
        return Rank(int(found[_RANK]), int(found[_WORLD]), found[_ADDRESS])
    except ValueError as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            found=f"{_RANK}={found[_RANK]}, {_WORLD}={found[_WORLD]}",
            expected="whole numbers",
            fix=f"for the first of two processes: {_RANK}=0, {_WORLD}=2",
        ) from error
