"""Which pictures an epoch is made of."""

from __future__ import annotations

from dataclasses import dataclass

from fingerspell.errors import require


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingConfig:
    """How strongly sizes count in an epoch's deck of pictures; all 1 = every picture once.

    A group of n near duplicates gives n**group_power pictures (0.5: a film of 100 frames gives
    10). `source_power` says how a class's pictures are shared among its sources, `class_power`
    how the deck is shared among the classes; 0 = all equally often. The formula is in
    `fingerspell.data.sampling`.
    """

    group_power: float = 1.0
    source_power: float = 1.0
    class_power: float = 1.0

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            require(
                0 <= value <= 1,
                found=f"sampling.{name}={value}",
                expected="a power from 0 (sizes do not count) to 1 (sizes count in full)",
                fix=f"leave sampling.{name} away for 1",
            )
