"""Devices: one module a Keras backend finds and sets up its GPUs. Nothing else names a backend."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from fingerspell.machine import quiet_start


@dataclass(frozen=True, slots=True)
class Device:
    """Where the run computes. `precision` is Keras's policy name."""

    backend: str
    gpus: tuple[str, ...]
    precision: str


LIBRARIES_FULL = ("CUDA_ERROR_OUT_OF_MEMORY", "_STATUS_ALLOC_FAILED", "_ALLOCATION_FAILED")
"""Full memory in CUDA's driver, cuBLAS and cuDNN; the last two before and since cuDNN 9."""


def _backend() -> Any:
    return importlib.import_module(f"{__name__}.{keras.backend.backend()}")


def prepare_device() -> Device:
    """Sets up memory growth and mixed precision where a GPU is; float32 on the CPU."""
    name, backend = keras.backend.backend(), _backend()
    with quiet_start():
        gpus = tuple(backend.prepare_gpus())
    precision = backend.mixed_precision() if gpus else "float32"
    keras.config.set_dtype_policy(precision)
    return Device(backend=name, gpus=gpus, precision=precision)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was full, by `error` or any error in its chain of causes and contexts.

    Keras re-raises errors from within layers, and JAX's `fit` fails once more while it ends.
    """
    backend = _backend()
    return any(isinstance(e, MemoryError) or backend.is_out_of_memory(e) for e in behind(error))


def behind(error: BaseException) -> Iterator[BaseException]:
    """Yields `error` and its whole chain of causes and contexts."""
    found: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and one not in found:
            found.append(one)
            left += [one.__cause__, one.__context__]
            yield one


def train_in_parts(network: keras.Model, parts: int) -> None:
    """Makes each step of `fit` compute its batch in `parts` equal parts, one after the other.

    Gradients are added up within the step, and the optimizer moves once, by their mean: loss,
    rate, moments, averages and counters are those of the whole batch, up to rounding. One part
    is Keras's own step.
    """
    if parts > 1:
        network.train_step = _backend().step_in_parts(network, parts)
        network.train_function = None


def peak_gpu_bytes() -> int | None:
    """Returns the most memory that the first GPU gave this process so far; None without a GPU."""
    used: int | None = _backend().peak_gpu_bytes()
    return used
