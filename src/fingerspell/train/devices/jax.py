"""GPUs under JAX (fast on Linux)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs.

    JAX reserves most of the memory at its start unless XLA_PYTHON_CLIENT_PREALLOCATE=false is
    set before it is imported; the command line does that.
    """
    import jax

    return [str(d.device_kind) for d in jax.local_devices() if d.platform == "gpu"]


def mixed_precision() -> str:
    """Returns the policy to use: bfloat16 needs no loss scaling and runs on every JAX GPU."""
    return "mixed_bfloat16"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was full: JAX has one kind of error, which begins with XLA's status."""
    import jax

    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED: " in str(error)


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

        cut = [value.reshape(parts, -1, *value.shape[1:]) for value in data]
        nothing = jax.tree.map(jax.numpy.zeros_like, trainable)
        (sums, other, metrics), logs = jax.lax.scan(part, (nothing, other, metrics), tuple(cut))
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
    """Connects this process with the others of a run; must come before anything is computed."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    keras.distribution.initialize(address, world, rank)


def gather(array: NDArray[Any]) -> NDArray[Any]:
    """Returns every process's array, one under another: (processes, *shape)."""
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))


def leave() -> None:
    """Ends the connection once every process has come here."""
    import jax

    jax.distributed.shutdown()
