"""Forecast of a run's time, memory, disk and cost from a few measured steps: arithmetic only.

    time(phase) = setup + extracted * extract + epochs * (steps * step + validation * check + save)

A frozen phase computes the features of every picture once and then trains on them; other phases
extract nothing. All epochs count: early stopping only shortens a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fingerspell.errors import require

EXPORT = "export"
"""The stage that is known only where a run of the same network was exported before."""

_CHECKPOINTS_AT_ONCE = 3
"""Two are kept, and a third is written before the oldest goes."""

_FILES_PER_WEIGHT_BYTE = 5.5
"""A finished run holds its weights in float32 four times, in half precision twice with a hand crop,
and in 8 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Measured seconds: to set up a phase, for a step, a picture, a checkpoint."""

    setup_s: float = 0.0
    step_s: float
    extract_s: float = 0.0
    check_s: float
    save_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The work of a phase: pictures to extract features of, epochs, steps of each."""

    name: str
    epochs: int
    steps: int
    validation: int
    extracted: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A row of the table."""

    name: str
    seconds: float
    epochs: int = 0
    steps: int = 0


def stage(work: Work, pace: Pace) -> Stage:
    """Returns how long a phase takes if it has all its epochs."""
    epoch_s = work.steps * pace.step_s + work.validation * pace.check_s + pace.save_s
    seconds = pace.setup_s + work.extracted * pace.extract_s + work.epochs * epoch_s
    return Stage(work.name, seconds, work.epochs, work.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Bytes in the run folder: while it trains, and of those what stays."""

    checkpoint_bytes: int
    features_bytes: int
    synthetic_bytes: int
    weights_bytes: int

    @property
    def stays_bytes(self) -> int:
        """Returns the bytes of the finished run, its last two checkpoints included."""
        files = round(_FILES_PER_WEIGHT_BYTE * self.weights_bytes)
        return files + (_CHECKPOINTS_AT_ONCE - 1) * self.checkpoint_bytes

    @property
    def most_bytes(self) -> int:
        """Returns the bytes that must be free."""
        passing = self.checkpoint_bytes + self.features_bytes + self.synthetic_bytes
        return self.stays_bytes + passing


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run needs on this machine; memory is what the measured steps used at their peak."""

    stages: Sequence[Stage]
    memory_bytes: int
    gpu_memory_bytes: int | None
    disk: Disk

    @property
    def not_included(self) -> list[str]:
        """Returns what comes on top, or was not measured, in words."""
        exporting = (
            "exporting and proving the files, which was not measured; after a run of this network "
            "in --output_dir (--epochs 1 will do) its time is read there"
        )
        known = any(stage.name == EXPORT for stage in self.stages)
        return [
            *([] if known else [exporting]),
            "evaluating comes on top",
            "another machine or GPU: nothing here says how fast it is; run estimate there",
        ]

    @property
    def seconds(self) -> float:
        """Returns the time of all stages."""
        return sum(stage.seconds for stage in self.stages)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A machine that can be rented: its price an hour, and how many times as fast as this one."""

    name: str
    price_per_h: float
    speedup: float = 1.0


@dataclass(frozen=True, slots=True)
class Cost:
    """A row of the cost table, in the currency of the prices that the user gave."""

    machine: str
    seconds: float
    price: float
    price_per_h: float
    speedup: float = 1.0


def local_cost(seconds: float, watts: float, price_per_kwh: float) -> Cost:
    """Returns what this machine's electricity costs: hours * kW * price."""
    return _cost("this machine", seconds, watts / 1000 * price_per_kwh)


def rented_cost(seconds: float, offer: _Offer) -> Cost:
    """Returns what a rented machine costs: hours / speedup * price."""
    return _cost(offer.name, seconds, offer.price_per_h, offer.speedup)


def _cost(machine: str, seconds: float, price_per_h: float, speedup: float = 1.0) -> Cost:
    there_s = seconds / speedup
    return Cost(machine, there_s, there_s / 3600 * price_per_h, price_per_h, speedup)


def read_offer(text: str) -> _Offer:
    """Reads `NAME=PRICE` or `NAME=PRICE,SPEEDUP`; raises `ConfigError` for anything else."""
    name, _, numbers = text.partition("=")
    price, _, speedup = numbers.partition(",")
    try:
        offer = _Offer(name, float(price), float(speedup or 1))
    except ValueError:
        offer = _Offer("", 0.0)
    require(
        bool(offer.name) and 0 <= offer.price_per_h < float("inf") and 0 < offer.speedup < 1e6,
        found=f"--cloud {text}",
        expected="NAME=PRICE or NAME=PRICE,SPEEDUP: the price of an hour, and how many times as "
        "fast as this machine",
        fix="for example --cloud rented=1.20,8",
    )
    return offer
