"""How fast a GPU trains, in how much memory, and how near to what the card can compute.

    python benchmarks/gpu.py [--size 200] [--steps 50] [--batches 32 64 128] [--peak_tflops 142]

Runs with any Python that has PyTorch or JAX and what training needs beside it; `pip install
".[torch]"` or `pip install ".[jax]"` brings all of that, and TensorFlow is not among it.
Measures MobileNetV3Large as the second phase trains it, on the backend that KERAS_BACKEND names:
batches of 32, 64 and 128 in mixed and full precision, each in a process of its own, once more
under a cap of 6 GiB, and a large matrix product, which is what the card really computes;
`--peak_tflops` takes the maker's figure for half precision in its place. Saves
`benchmarks/results/gpu_<backend>.json`. Without a GPU it says so, saves nothing, and ends with 2.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from circumstances import circumstances, save
from fingerspell import backends
from fingerspell.doctor.facts import nvidia
from fingerspell.errors import ConfigError, FingerspellError, RunError

Figures = dict[str, Any]
Ask = Callable[..., Figures]
"""Runs one function of `on_gpu.py` in a process of its own: `ask("train", batch_size=32, …)`."""

BATCHES = (32, 64, 128)
FULL = "float32"
GB = 10**9
CAP_BYTES = 6 * 2**30
INSTALL = 'pip install ".[torch]" or pip install ".[jax]", in the project folder'
TARGET = {"batch_size": 32, "size_px": 200, "peak_bytes": int(5.5 * GB)}
"""What training the guide's pictures on a card of 6 GB may need, in mixed precision."""


def environment(cap_bytes: int | None, total_bytes: int) -> dict[str, str]:
    """Returns what a measuring process must find before its backend is loaded: JAX's limit."""
    if cap_bytes is None:
        return {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    share = min(1.0, cap_bytes / total_bytes)
    return {**os.environ, "XLA_PYTHON_CLIENT_MEM_FRACTION": f"{share:.4f}"}


def ask(what: str, **arguments: Any) -> Figures:
    """Runs `on_gpu.<what>(**arguments)` in a process of its own; raises where it does not end."""
    task = json.dumps({"what": what, "arguments": arguments})
    cap, total = arguments.get("cap_bytes"), arguments.get("total_bytes", 0)
    answer = subprocess.run(
        [sys.executable, str(Path(__file__)), "--task", task],
        stdout=subprocess.PIPE, encoding="utf-8", env=environment(cap, total),
    )  # fmt: skip
    if answer.returncode != 0:
        raise RunError(
            found=f"the process that measures {what} ended with code {answer.returncode}",
            expected="figures; what it said stands above",
            fix="python run.py doctor",
        )
    figures: Figures = json.loads(answer.stdout.strip().splitlines()[-1])
    return figures


def answer(task: str) -> None:
    """The other side of `ask`: measures and prints one line of JSON.

    Raises `ConfigError` where a package is missing.
    """
    body = json.loads(task)
    try:
        import on_gpu

        figures = getattr(on_gpu, body["what"])(**body["arguments"])
    except ModuleNotFoundError as error:
        told = backends.missing(error)
        if told is None:
            raise
        raise ConfigError(found=told.found, expected=told.expected, fix=INSTALL) from error
    print(json.dumps(figures))


def require_gpu(seen: Mapping[str, Any]) -> None:
    """Raises `RunError` where the backend sees no GPU: there is nothing to print in its place."""
    if not seen["gpus"]:
        raise RunError(
            found=f"no GPU that {seen['backend']} sees, so nothing was measured",
            expected="a GPU, and a backend built for it",
            fix="python run.py doctor names what is missing; or choose another backend with "
            f"{backends.VARIABLE}, or start this with a Python that has one ({INSTALL})",
        )


def measure(
    asked: Ask, size_px: int, steps: int, total_bytes: int, batches: Sequence[int] = BATCHES
) -> Figures:
    """Returns every figure of one card; `asked` stands between this and the device."""
    seen = asked("look")
    require_gpu(seen)
    mixed = seen["mixed"]
    half = mixed.removeprefix("mixed_")
    common = {"size_px": size_px, "steps": steps, "total_bytes": total_bytes}
    policies = list(dict.fromkeys((mixed, FULL)))  # Old cards have full precision only.
    rows = [
        asked("train", batch_size=batch, policy=policy, cap_bytes=None, **common)
        for policy in policies
        for batch in batches
    ]
    capped = []
    if total_bytes:
        capped = [
            asked("train", batch_size=b, policy=mixed, cap_bytes=CAP_BYTES, **common)
            for b in batches
        ]
    computes = [asked("matmul", dtype=dtype) for dtype in dict.fromkeys((half, FULL))]
    return {**seen, "total_bytes": total_bytes, "rows": rows, "capped": capped, "matmul": computes}


def with_shares(figures: Figures, peak_tflops: float | None) -> Figures:
    """Adds to each row which share of the card's arithmetic it uses, and whether the target holds.

        share = pictures/s * operations a picture / operations a second

    The bound is the matrix product measured on this card, in the row's own precision; for half
    precision the maker's figure where it is given.
    """
    bounds = {one["dtype"]: one["flops_per_s"] for one in figures["matmul"]}
    if peak_tflops is not None:
        bounds[figures["mixed"].removeprefix("mixed_")] = peak_tflops * 1e12
    rows = [_with_share(row, bounds) for row in figures["rows"]]
    wanted = [
        row
        for row in rows
        if row["policy"] == figures["mixed"]
        and all(row[name] == TARGET[name] for name in ("batch_size", "size_px"))
    ]
    reached = [row.get("peak_bytes", float("inf")) <= TARGET["peak_bytes"] for row in wanted]
    return {
        **figures,
        "rows": rows,
        "target": {**TARGET, "reached": all(reached)} if reached else None,
    }


def _with_share(row: Figures, bounds: Mapping[str, float]) -> Figures:
    if row.get("out_of_memory"):
        return row
    bound = bounds[row["policy"].removeprefix("mixed_")]
    share = row["pictures_per_s"] * row["flops_per_picture"] / bound
    return {**row, "share_of_bound": round(share, 4)}


def lines(figures: Figures) -> list[str]:
    """Returns the figures as a table for people."""
    computes = ", ".join(
        f"{one['flops_per_s'] / 1e12:.1f} TFLOP/s in {one['dtype']}" for one in figures["matmul"]
    )
    told = [f"{', '.join(figures['gpus'])} on {figures['backend']}: {computes}"]
    told += [_line(row) for row in figures["rows"]]
    if figures["capped"]:
        told.append(f"under a cap of {CAP_BYTES / 2**30:.0f} GiB")
        told += [_line(row) for row in figures["capped"]]
    if figures["target"]:
        verdict = "reached" if figures["target"]["reached"] else "MISSED"
        told.append(f"target {TARGET['peak_bytes'] / GB:.1f} GB at batch 32, mixed: {verdict}")
    return told


def _line(row: Figures) -> str:
    start = f"{row['policy']:<15} batch {row['batch_size']:>3}  "
    if row.get("out_of_memory"):
        return start + "out of memory"
    share = f"  {row['share_of_bound']:.1%} of the bound" if "share_of_bound" in row else ""
    return (
        f"{start}{row['pictures_per_s']:>8,.0f} pictures/s  {row['step_ms']:>7.1f} ms a step  "
        f"{row['peak_bytes'] / GB:.2f} GB{share}"
    )


def main(arguments: Sequence[str] | None = None, asked: Ask = ask) -> int:
    """Reads the options, measures, prints, saves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=200, help="side of the pictures in pixels")
    parser.add_argument("--steps", type=int, default=50, help="steps whose median is taken")
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--peak_tflops", type=float, help="the maker's figure, half precision")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    backends.settle(os.environ)
    try:
        backends.require_known(os.environ)
        if args.task:
            answer(args.task)
            return 0
        cards, _ = nvidia()
        total_bytes = cards[0].memory_mib * 2**20 if cards else 0
        measured = measure(asked, args.size, args.steps, total_bytes, args.batches)
    except FingerspellError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    figures = with_shares(measured, args.peak_tflops)
    print("\n".join(lines(figures)))
    command = f"python benchmarks/gpu.py --size {args.size} --steps {args.steps}"
    if tuple(args.batches) != BATCHES:
        command += f" --batches {' '.join(map(str, args.batches))}"
    if args.peak_tflops is not None:
        command += f" --peak_tflops {args.peak_tflops:g}"
    driver = [card.driver for card in cards]
    save(f"gpu_{figures['backend']}", {**circumstances(command), "driver": driver, **figures})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
