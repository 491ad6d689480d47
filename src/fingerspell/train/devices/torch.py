"""GPUs under PyTorch (also on native Windows)."""

from collections.abc import Callable
from typing import Any

import keras
import torch

from fingerspell.train.devices import LIBRARIES_FULL


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs; PyTorch takes memory as it needs it."""
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def mixed_precision() -> str:
    """Returns the policy to use: half precision needs tensor cores (compute capability 7.0).

    From 8.0 on they take bfloat16 as fast as float16, which then needs no loss scaling.
    """
    major = torch.cuda.get_device_capability()[0]
    if major >= 8:
        return "mixed_bfloat16"
    return "mixed_float16" if major >= 7 else "float32"


_FULL = (
    "CUDA out of memory",  # Before PyTorch 1.13 the allocator had no kind of error of its own.
    "HIP out of memory",
    "MPS backend out of memory",
    "CUDA error: out of memory",
    "DefaultCPUAllocator: ",
    *LIBRARIES_FULL,
)
"""Texts of a plain `RuntimeError` of allocators, the driver and its libraries."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was full."""
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in _FULL)
    )


def step_in_parts(network: keras.Model, parts: int) -> Callable[[Any], dict[str, Any]]:
    """Returns Keras's training step, but its batch computed in `parts` equal parts."""

    def train_step(data: Any) -> dict[str, Any]:
        network.zero_grad()
        for x, y, sample_weight in zip(*(value.chunk(parts) for value in data), strict=True):
            predicted = network(x, training=True)
            loss = network.compute_loss(x, y, predicted, sample_weight, training=True)
            network._loss_tracker.update_state(loss, sample_weight=len(x))
            network.optimizer.scale_loss(loss).backward()
            network.compute_metrics(x, y, predicted, sample_weight=sample_weight)
        weights = network.trainable_weights[:]
        with torch.no_grad():
            network.optimizer.apply([w.value.grad / parts for w in weights], weights)
        return dict(network.get_metrics_result())

    return train_step


def peak_gpu_bytes() -> int | None:
    """Returns the most memory that PyTorch held at once on the first GPU; None without a GPU."""
    return int(torch.cuda.max_memory_reserved()) if torch.cuda.is_available() else None
