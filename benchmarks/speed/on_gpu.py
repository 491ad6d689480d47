"""What one process measures on a GPU, through Keras on any backend; `gpu.py` puts it together."""

import math
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

Figures = dict[str, Any]
CLASSES = 29
WARM_UP = 10
"""Steps that are not counted: the graph is traced, kernels are chosen, memory grows."""

BACKWARD = 2
"""A layer's backward pass multiplies twice as much as its forward pass: by the weights and by the
pictures (Kaplan et al., Scaling Laws for Neural Language Models, 2020, section 2.1)."""


def look() -> Figures:
    """Returns the GPUs that this backend sees and the precision that training would choose."""
    from fingerspell.train.devices import prepare_device

    device = prepare_device()
    return {"backend": device.backend, "gpus": list(device.gpus), "mixed": device.precision}


def forward_flops(model: keras.Model) -> int:
    """Returns the multiplications and additions of one picture's forward pass.

    Convolutions and dense layers only: 2 * (weights) * (places at which they are applied).
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += forward_flops(layer)
        elif hasattr(layer, "kernel"):
            places = math.prod(layer.output.shape[1:-1])
            total += 2 * math.prod(layer.kernel.shape) * places
    return total


def network(size_px: int, steps: int) -> keras.Model:
    """Returns MobileNetV3Large as the second phase trains it, random weights, compiled."""
    from fingerspell.config import ModelConfig, Phase, TrainConfig
    from fingerspell.model import build_recogniser, unfreeze
    from fingerspell.train.loop import compile_for

    config = TrainConfig(
        dataset_dir=Path(), output_dir=Path(),
        model=ModelConfig(weights="none", image_size_px=(size_px, size_px)),
    )  # fmt: skip
    phase = Phase(name="finetune", epochs=1, learning_rate=1e-4, unfrozen_from="all",
                  batchnorm_momentum=0.95)  # fmt: skip
    model = build_recogniser(config.model, CLASSES)
    unfreeze(model, "all", phase.batchnorm_momentum)
    compile_for(model, phase, steps, config)
    return model


def batches(batch_size: int, size_px: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields the same batch without end, from main memory as the loader's are."""
    rng = np.random.default_rng(0)
    x = rng.random((batch_size, size_px, size_px, 3), np.float32)
    y = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, batch_size)]
    while True:
        yield x, y, np.ones(batch_size, np.float32)


def step_s(
    model: keras.Model, batch_size: int, size_px: int, steps: int, warm_up: int = WARM_UP
) -> float:
    """Returns the median seconds of a whole training step, the optimizer's part included.

    Reading the loss after each step waits for the device, as training does.
    """
    ended_s: list[float] = []

    def note(_batch: int, logs: Figures) -> None:
        float(logs["loss"])
        ended_s.append(time.perf_counter())

    model.fit(
        batches(batch_size, size_px), steps_per_epoch=warm_up + steps, shuffle=False,
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)], verbose=0,
    )  # fmt: skip
    return statistics.median(np.diff(ended_s)[warm_up - 1 :])


def train(
    batch_size: int, size_px: int, policy: str, steps: int, cap: tuple[int, int] | None = None
) -> Figures:
    """Trains for some steps; `out_of_memory` in place of figures where the batch does not fit.

    With `cap`, the process may have so many bytes of the GPU's so many.
    """
    from fingerspell.train.devices import is_out_of_memory, peak_gpu_bytes, prepare_device

    told = {"batch_size": batch_size, "size_px": size_px, "policy": policy}
    if cap is None:
        prepare_device()
    else:
        told["cap_bytes"] = cap[0]
        limit_memory(*cap)
    keras.config.set_dtype_policy(policy)
    try:
        model = network(size_px, WARM_UP + steps)
        seconds = step_s(model, batch_size, size_px, steps)
    except Exception as error:
        if is_out_of_memory(error):
            return {**told, "out_of_memory": True}
        raise
    return {
        **told,
        "step_ms": round(1000 * seconds, 2),
        "pictures_per_s": round(batch_size / seconds, 1),
        "flops_per_picture": (1 + BACKWARD) * forward_flops(model),
        "peak_bytes": peak_gpu_bytes(),
    }


def limit_memory(cap_bytes: int, total_bytes: int) -> None:
    """Lets this process have a part of the GPU's memory; JAX was told so before it was loaded."""
    if keras.backend.backend() == "torch":
        import torch

        torch.cuda.set_per_process_memory_fraction(cap_bytes / total_bytes)
    if keras.backend.backend() == "tensorflow":
        from tensorflow import config

        limit = config.LogicalDeviceConfiguration(memory_limit=cap_bytes // 2**20)
        config.set_logical_device_configuration(config.list_physical_devices("GPU")[0], [limit])


def matmul(dtype: str, side: int = 8192, repeats: int = 20) -> Figures:
    """Returns what the GPU really computes: the best of several large matrix products."""
    rng = np.random.default_rng(0)
    factor = rng.standard_normal((side, side), np.float32) / math.sqrt(side)
    a = keras.ops.cast(keras.ops.convert_to_tensor(factor), dtype)
    best_s = math.inf
    for _ in range(3):
        b, _ = a, _wait(keras.ops.matmul(a, a))
        started_s = time.perf_counter()
        for _ in range(repeats):
            b = keras.ops.matmul(a, b)
        _wait(b)
        best_s = min(best_s, (time.perf_counter() - started_s) / repeats)
    return {"dtype": dtype, "side": side, "flops_per_s": 2 * side**3 / best_s}


def _wait(tensor: Any) -> None:
    """Waits until the device has computed a tensor."""
    keras.ops.convert_to_numpy(keras.ops.cast(tensor[0, 0], "float32"))
