"""How fast a GPU trains, in how much memory, and how near to its peak arithmetic.

    python benchmarks/speed/gpu.py [--size 200] [--steps 50] [--batches 32 64] [--peak_tflops 142]

Runs with any Python that has PyTorch or JAX and what training needs beside it; `pip install
".[torch]"` or `pip install ".[jax]"` brings all of that, and TensorFlow is not among it.
Measures MobileNetV3Large as the second phase trains it, on the backend that KERAS_BACKEND names:
each batch in mixed and full precision, in a process of its own, once more under a cap of 6 GiB,
and a large matrix product, which is what the GPU really computes; `--peak_tflops` takes the maker's
figure for half precision in its place. Saves `benchmarks/results/gpu_<backend>.json`. Without a
GPU it says so, saves nothing, and ends with 2.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from benchmarks.circumstances import record
from benchmarks.measured import answer_of
from benchmarks.speed import tables
from fingerspell import backends
from fingerspell.doctor.facts import nvidia
from fingerspell.errors import ConfigError, FingerspellError, RunError
from fingerspell.install import pip

Figures = dict[str, Any]
Ask = Callable[..., Figures]
"""Runs one function of `on_gpu.py` in a process of its own: `ask("train", batch_size=32, …)`."""

BATCHES = (32, 64, 128)
FULL = "float32"
CAP_BYTES = 6 * 2**30
INSTALL = f"{pip('install', '.[torch]')} or .[jax] in its place, in the project folder"
TARGET = {"batch_size": 32, "size_px": 200, "peak_bytes": 5_500_000_000}
"""What training the guide's pictures on a GPU of 6 GB may need, in mixed precision."""


def ask(what: str, **arguments: Any) -> Figures:
    """Runs `on_gpu.<what>(**arguments)` in a process of its own; raises where it does not end."""
    task = json.dumps({"what": what, "arguments": arguments})
    memory = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # Or JAX's peak is all of the memory.
    if cap := arguments.get("cap"):  # JAX reads its limit when it is loaded.
        memory = {"XLA_PYTHON_CLIENT_MEM_FRACTION": f"{cap[0] / cap[1]:.4f}"}
    try:
        figures: Figures = answer_of(__file__, "--task", task, environment=memory)
    except subprocess.CalledProcessError as error:
        raise RunError(
            found=f"the process that measures {what} ended with code {error.returncode}",
            expected="figures; what it said stands above",
            fix="python run.py doctor",
        ) from error
    return figures


def answer(task: str) -> None:
    """The other side of `ask`: measures and prints one line of JSON.

    Raises `ConfigError` where a package is missing.
    """
    body = json.loads(task)
    try:
        from benchmarks.speed import on_gpu

        figures = getattr(on_gpu, body["what"])(**body["arguments"])
    except ModuleNotFoundError as error:
        told = backends.missing(error)
        if told is None:
            raise
        raise ConfigError(found=told.found, expected=told.expected, fix=INSTALL) from error
    print(json.dumps(figures))


def measure(
    asked: Ask, size_px: int, steps: int, total_bytes: int, batches: Sequence[int] = BATCHES
) -> Figures:
    """Returns every figure of one GPU; `asked` stands between this and the device.

    A GPU whose memory is not known (`total_bytes` 0), or is no more than the cap, is not capped.
    Raises `RunError` where the backend sees no GPU: there is nothing to print in its place.
    """
    seen = asked("look")
    if not seen["gpus"]:
        raise RunError(
            found=f"no GPU that {seen['backend']} sees, so nothing was measured",
            expected="a GPU, and a backend built for it",
            fix="python run.py doctor names what is missing; or choose another backend with "
            f"{backends.VARIABLE}, or start this with a Python that has one ({INSTALL})",
        )
    mixed = seen["mixed"]
    policies = list(dict.fromkeys((mixed, FULL)))  # Old GPUs have full precision only.
    common = {"size_px": size_px, "steps": steps}
    rows = [
        asked("train", batch_size=batch, policy=policy, **common)
        for policy in policies
        for batch in batches
    ]
    if total_bytes > CAP_BYTES:
        cap = (CAP_BYTES, total_bytes)
        rows += [asked("train", batch_size=b, policy=mixed, cap=cap, **common) for b in batches]
    dtypes = dict.fromkeys((mixed.removeprefix("mixed_"), FULL))
    return {**seen, "rows": rows, "matmul": [asked("matmul", dtype=dtype) for dtype in dtypes]}


def with_shares(figures: Figures, peak_tflops: float | None = None) -> Figures:
    """Adds to each row which share of the GPU's arithmetic it uses, and whether the target holds.

        share = pictures/s * operations a picture / operations a second

    The bound is the matrix product measured on this GPU, in the row's own precision; for half
    precision the maker's figure where it is given.
    """
    bounds = {one["dtype"]: one["flops_per_s"] for one in figures["matmul"]}
    if peak_tflops is not None:
        bounds[figures["mixed"].removeprefix("mixed_")] = peak_tflops * 1e12
    rows = [dict(row) for row in figures["rows"]]
    for row in (x for x in rows if not x.get("out_of_memory")):
        computed = row["pictures_per_s"] * row["flops_per_picture"]
        row["share_of_bound"] = round(computed / bounds[row["policy"].removeprefix("mixed_")], 4)
    wanted = (figures["mixed"], TARGET["batch_size"], TARGET["size_px"])
    peaks = [
        row.get("peak_bytes", float("inf"))
        for row in rows
        if (row["policy"], row["batch_size"], row["size_px"]) == wanted and "cap_bytes" not in row
    ]
    target = {**TARGET, "reached": max(peaks) <= TARGET["peak_bytes"]} if peaks else None
    return {**figures, "rows": rows, "target": target}


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
        seen, _ = nvidia()
        total_bytes = seen[0].memory_mib * 2**20 if seen else 0
        measured = measure(asked, args.size, args.steps, total_bytes, args.batches)
    except FingerspellError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    figures = with_shares(measured, args.peak_tflops)
    figures["gpu"] = [{"driver": gpu.driver, "memory_mib": gpu.memory_mib} for gpu in seen]
    record(f"gpu_{figures['backend']}", "speed/gpu", arguments, figures)
    print("\n".join(tables.gpu_of(figures)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
