"""GPUs under TensorFlow (Linux and WSL2; none on native Windows since 2.11)."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from fingerspell.train.devices import LIBRARIES_FULL


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs; sets each to take memory only as it needs it."""
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return [str(tf.config.experimental.get_device_details(g).get("device_name", g)) for g in gpus]


def mixed_precision() -> str:
    """Returns the policy to use: half precision needs tensor cores (compute capability 7.0)."""
    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    major, _ = details.get("compute_capability", (0, 0))
    return "mixed_float16" if major >= 7 else "float32"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was full; XLA and the GPU's libraries report it as other kinds of error."""
    if isinstance(error, tf.errors.OpError):
        full = ("RESOURCE_EXHAUSTED: ", *LIBRARIES_FULL)
        return error.error_code == tf.errors.RESOURCE_EXHAUSTED or (
            any(text in error.message for text in full)
        )
    return False


def step_in_parts(network: keras.Model, parts: int) -> Callable[[Any], dict[str, Any]]:
    """Returns Keras's training step, but its batch computed in `parts` equal parts.

    The parts are a loop in the graph, so that none begins before the one before has ended.
    """

    def train_step(data: Any) -> dict[str, Any]:
        weights = network.trainable_weights
        cut = [tf.reshape(value, (parts, -1, *value.shape[1:])) for value in data]

        def part(index: Any, *sums: Any) -> tuple[Any, ...]:
            x, y, sample_weight = (value[index] for value in cut)
            with tf.GradientTape() as tape:
                predicted = network(x, training=True)
                loss = network.compute_loss(x, y, predicted, sample_weight, training=True)
                scaled = network.optimizer.scale_loss(loss)
            network._loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
            network.compute_metrics(x, y, predicted, sample_weight=sample_weight)
            gradients = tape.gradient(scaled, weights)
            return index + 1, *(a + b for a, b in zip(sums, gradients, strict=True))

        start = (0, *(tf.zeros(w.shape, w.dtype) for w in weights))
        # Parts that overlapped would need the memory of several at once.
        _, *sums = tf.while_loop(
            lambda index, *_: index < parts, part, start, parallel_iterations=1
        )
        network.optimizer.apply([total / parts for total in sums], weights)
        return dict(network.get_metrics_result())

    return train_step


def peak_gpu_bytes() -> int | None:
    """Returns the most memory that was in use at once on the first GPU; None without a GPU."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])
