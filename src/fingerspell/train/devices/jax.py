"""GPUs under JAX (fast on Linux)."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fingerspell.train.devices import LIBRARIES_FULL


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs.

    JAX reserves most of the memory at its start unless XLA_PYTHON_CLIENT_PREALLOCATE=false is
    set before it is imported; the command line does that.
    """
    import jax

    return [str(d.device_kind) for d in jax.local_devices() if d.platform == "gpu"]


def mixed_precision() -> str:
    """Returns the policy to use: half precision needs tensor cores (compute capability 7.0).

    From 8.0 on they take bfloat16 as fast as float16, which then needs no loss scaling.
    """
    import jax

    gpu = next(d for d in jax.local_devices() if d.platform == "gpu")
    major = str(gpu.compute_capability).split(".")[0]
    if not major.isdigit() or int(major) >= 8:  # AMD's GPUs have names: gfx90a.
        return "mixed_bfloat16"
    return "mixed_float16" if int(major) >= 7 else "float32"


_FULL = ("RESOURCE_EXHAUSTED: ", "INTERNAL: Failed to allocate ", *LIBRARIES_FULL)
"""Error texts of XLA and the GPU's libraries where memory is full."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was full: JAX has one error class, with XLA's status in its text."""
    import jax

    return isinstance(error, jax.errors.JaxRuntimeError) and (
        any(text in str(error) for text in _FULL)
    )


def _cut(rows: Any, parts: int) -> Any:
    """Splits a batch into parts by dealing out its rows in turn: (parts, rows / parts, …).

    Each device holds a contiguous piece of the batch: so every part has rows on all of them.
    """
    return rows.reshape(-1, parts, *rows.shape[1:]).swapaxes(0, 1)


def step_in_parts(network: keras.Model, parts: int) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Returns Keras's training step, but its batch computed in `parts` equal parts.

    The parts are a scan, so that none begins before the one before has ended.
    """
    import jax

    def train_step(state: Any, data: Any) -> tuple[Any, Any]:
        trainable, other, optimizer, metrics = state
        gradient_of = jax.value_and_grad(network.compute_loss_and_updates, has_aux=True)

        def part(carry: Any, piece: Any) -> tuple[Any, Any]:
            sums, other, metrics = carry
            x, y, sample_weight = piece
            (_, (loss, predicted, other, metrics)), gradients = gradient_of(
                trainable, other, metrics, x, y, sample_weight,
                training=True, optimizer_variables=optimizer,
            )  # fmt: skip
            logs, metrics = network._update_metrics_variables(
                metrics, loss, x, y, predicted, sample_weight
            )
            return (jax.tree.map(jax.numpy.add, sums, gradients), other, metrics), logs

        pieces = tuple(_cut(value, parts) for value in data)
        nothing = jax.tree.map(jax.numpy.zeros_like, trainable)
        (sums, other, metrics), logs = jax.lax.scan(part, (nothing, other, metrics), pieces)
        trainable, optimizer = network.optimizer.stateless_apply(
            optimizer, [total / parts for total in sums], trainable
        )
        last = jax.tree.map(lambda value: value[-1], logs)
        return last, (trainable, other, optimizer, metrics)

    return train_step


def peak_gpu_bytes() -> int | None:
    """Returns the most memory that was in use at once on the first GPU; None without a GPU."""
    import jax

    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    return int(gpus[0].memory_stats()["peak_bytes_in_use"]) if gpus else None


def join(address: str, world: int, rank: int) -> None:
    """Joins the process group; must be called before anything is computed."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    keras.distribution.initialize(address, world, rank)


def gather(array: NDArray[Any]) -> NDArray[Any]:
    """Returns the arrays of all processes, stacked: (processes, *shape)."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))


def leave() -> None:
    """Leaves the process group once every process has called this."""
    import jax

    jax.distributed.shutdown()
