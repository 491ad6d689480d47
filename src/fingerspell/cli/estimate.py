"""`fingerspell estimate`: what a training run would take on this machine, from a few real steps."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from fingerspell import backends
from fingerspell.cli.options import add_recipe, configured
from fingerspell.errors import require
from fingerspell.machine import load_quietly

if TYPE_CHECKING:
    from fingerspell.config import TrainConfig
    from fingerspell.train.devices import Device
    from fingerspell.train.forecast import Cost, Forecast

HELP = "measure a few training steps and say what the whole run takes: time, memory, disk, cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_recipe(parser)
    add = parser.add_argument
    add("--trust", action="store_true", help="leave out the time of hashing the pictures again")
    add("--watts", type=float, help="what this machine draws while it trains")
    add("--price_per_kwh", type=float, metavar="PRICE", help="of this machine's electricity")
    add("--cloud", nargs="+", default=[], metavar="NAME=PRICE[,SPEEDUP]",
        help="machines for rent: the price of an hour, and how many times as fast as this machine "
        "they are (1 where you do not say)")  # fmt: skip
    add("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> int:
    """Measures and prints; writes nothing."""
    backends.require_known(os.environ)
    from fingerspell.train.forecast import read_offer

    config = configured(args, **({"trust": True} if args.trust else {}))
    _check_prices(args.watts, args.price_per_kwh)
    offers = [read_offer(text) for text in args.cloud]
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if not args.json:
        print("measuring a few steps of every phase …", flush=True)
    load_quietly("keras")
    from fingerspell.train.estimate import estimate
    from fingerspell.train.forecast import local_cost, rented_cost

    forecast, device = estimate(config)
    costs = [rented_cost(forecast.seconds, offer) for offer in offers]
    if args.watts is not None:
        costs.insert(0, local_cost(forecast.seconds, args.watts, args.price_per_kwh))
    if args.json:
        import json

        print(json.dumps(_body(forecast, device, costs), indent=2))
    else:
        print(_report(forecast, device, config, costs))
    return 0


def _check_prices(watts: float | None, price_per_kwh: float | None) -> None:
    """Refuses one of the two without the other, and numbers that cannot be."""
    require(
        (watts is None) == (price_per_kwh is None),
        found="--price_per_kwh without --watts"
        if watts is None
        else "--watts without --price_per_kwh",
        expected="both, or neither",
        fix="for example --watts 250 --price_per_kwh 0.30",
    )
    require(
        watts is None or 0 < watts < float("inf"),
        found=f"--watts {watts}",
        expected="watts above 0: a machine that trains draws some",
        fix="for example --watts 250 --price_per_kwh 0.30",
    )
    require(
        price_per_kwh is None or 0 <= price_per_kwh < float("inf"),
        found=f"--price_per_kwh {price_per_kwh}",
        expected="a price from 0, where it costs nothing",
        fix="for example --watts 250 --price_per_kwh 0.30",
    )


def _body(forecast: Forecast, device: Device, costs: list[Cost]) -> dict[str, Any]:
    """Returns everything that is printed as plain data."""
    from dataclasses import asdict

    from fingerspell.machine import machine, versions

    return {
        "seconds": round(forecast.seconds, 1),
        "stages": [
            {**asdict(stage), "seconds": round(stage.seconds, 1)} for stage in forecast.stages
        ],
        "not_included": forecast.not_included,
        "memory_bytes": forecast.memory_bytes,
        "gpu_memory_bytes": forecast.gpu_memory_bytes,
        "disk_bytes": forecast.disk.most_bytes,
        "disk_stays_bytes": forecast.disk.stays_bytes,
        "costs": [asdict(cost) for cost in costs],
        "device": asdict(device),
        "machine": machine(),
        "versions": versions(),
    }


def _report(forecast: Forecast, device: Device, config: TrainConfig, costs: list[Cost]) -> str:
    import shutil

    from fingerspell.files import nearest_existing
    from fingerspell.progress import duration

    free_bytes = shutil.disk_usage(nearest_existing(config.output_dir)).free
    where = ", ".join(device.gpus) or "no GPU"
    rows = [
        (stage.name, f"{stage.epochs}" if stage.epochs else "",
         f"{stage.steps:,}" if stage.epochs else "", duration(stage.seconds))
        for stage in forecast.stages
    ]  # fmt: skip
    total = ("in all, at most", "", "", duration(forecast.seconds))
    lines = [
        f"{device.backend}, {device.precision}, {where}",
        *_table([("stage", "epochs", "steps each", "time"), *rows, total]),
        "Early stopping may end a phase before.",
        *(f"not in this: {text}" for text in forecast.not_included),
        f"memory: {_gigabytes(forecast.memory_bytes)}" + _gpu_memory(forecast),
        f"disk:   {_gigabytes(forecast.disk.most_bytes)} in {config.output_dir} while it trains, "
        f"{_gigabytes(forecast.disk.stays_bytes)} afterwards; "
        f"{_gigabytes(free_bytes)} are free",
    ]
    if costs:
        lines += ["", *_cost_table(costs)]
        lines.append("In the currency of your prices; prices and speed-ups are as you gave them.")
    return "\n".join(lines)


def _cost_table(costs: list[Cost]) -> list[str]:
    """Returns the costs as lines, beside what they were reckoned from: `1,20` is two numbers."""
    from fingerspell.progress import duration

    rows = [
        (c.machine, f"{c.price_per_h:.2f}", f"{c.speedup:g}", duration(c.seconds),
         f"{c.price:.2f}")
        for c in costs
    ]  # fmt: skip
    return _table([("machine", "an hour", "times as fast", "time", "cost"), *rows])


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Returns rows as lines: the first column to the left, figures to the right."""
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        "  ".join([row[0].ljust(first), *map(str.rjust, row[1:], others)]).rstrip() for row in rows
    ]


def _gigabytes(count: int) -> str:
    """Returns `2.7 GB`, or `0.07 GB` of little."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e9:.2f} GB"


def _gpu_memory(forecast: Forecast) -> str:
    used = forecast.gpu_memory_bytes
    return "" if used is None else f", on the GPU {_gigabytes(used)}"
