"""The trained model as exports want it: a plain TensorFlow function and its variables."""

from __future__ import annotations

from typing import Any

from fingerspell import backends
from fingerspell.errors import ExportError

INSTALL_TENSORFLOW = backends.INSTALL[backends.EXPORTER]


def require_tensorflow() -> None:
    """Raises `ExportError` unless Keras runs on TensorFlow, which alone writes these files."""
    import keras

    backend = keras.backend.backend()
    if backend != backends.EXPORTER:
        install = "" if backends.is_installed(backends.EXPORTER) else f"{INSTALL_TENSORFLOW}, then "
        raise ExportError(
            found=f"Keras running on {backend}",
            expected="TensorFlow, which writes SavedModel, frozen graph and TFLite",
            fix=f"{install}start again with {backends.VARIABLE}={backends.EXPORTER}",
        )


def size_of(model: Any) -> tuple[int, int]:
    """Returns (height, width) in pixels; raises `ExportError` where the input is another shape."""
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[3] != 3 or None in shape[1:3]:
        raise ExportError(
            found=f"a model with input shape {shape}",
            expected="(None, height, width, 3) with height and width fixed",
            fix="build the model with fingerspell.model",
        )
    return int(shape[1]), int(shape[2])


def function_of(model: Any) -> Any:
    """Returns the model in inference mode as a tf.function: image (N, h, w, 3) → (N, C)."""
    import tensorflow as tf

    spec = tf.TensorSpec((None, *size_of(model), 3), tf.float32, name="image")
    return tf.function(
        lambda image: model(image, training=False), autograph=False, input_signature=[spec]
    )


def owner_of(model: Any) -> Any:
    """Returns a tf.Module that holds the model's variables, so that a saved function finds them."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    return module
