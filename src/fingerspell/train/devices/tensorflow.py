"""GPUs under TensorFlow (Linux and WSL2; none on native Windows since 2.11)."""

from __future__ import annotations


def prepare_gpus() -> list[str]:
    """Returns the names of the GPUs, each told to take memory only as it needs it."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return [str(tf.config.experimental.get_device_details(g).get("device_name", g)) for g in gpus]


def mixed_precision() -> str:
    """Returns the policy to use: half precision needs tensor cores (compute capability 7.0)."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    major, _ = details.get("compute_capability", (0, 0))
    return "mixed_float16" if major >= 7 else "float32"
