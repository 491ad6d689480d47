"""Memory that is full for more than so many pictures at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from helpers.tiny_network import tiny_backbone

TOO_MANY = 1 << 46
"""Numbers of four bytes that no processor can address: allocating them truly fails."""


@keras.saving.register_keras_serializable()
class Hungry(keras.layers.Layer):  # type: ignore[misc]
    """Passes pictures on, but in the midst of a step memory is full for more than `limit`.

    Either because Python says so, which TensorFlow then reports as its own kind of error, or
    `truly`: TensorFlow then waits some ten seconds for memory before it gives up.
    """

    def __init__(self, limit: int, learning: bool, truly: bool = False, **settings: Any) -> None:
        super().__init__(**settings)
        self.limit, self.learning, self.truly = limit, learning, truly

    def get_config(self) -> dict[str, Any]:
        own = {"limit": self.limit, "learning": self.learning, "truly": self.truly}
        return {**super().get_config(), **own}

    def call(self, x: Any, training: bool = False) -> Any:
        import tensorflow as tf

        if bool(training) is not self.learning:
            return x
        if self.truly:
            size = tf.where(tf.shape(x)[0] > self.limit, tf.constant(TOO_MANY, tf.int64), 1)
            nothing = tf.reduce_max(tf.fill([size], 0.0))
        else:
            nothing = tf.numpy_function(self.take, [tf.shape(x)[0]], tf.float32)
            nothing.set_shape(())
        return x + tf.cast(nothing, x.dtype)

    def take(self, pictures: int) -> np.float32:
        if pictures > self.limit:
            raise MemoryError
        return np.float32(0)


def hungry_backbone(limit: int, *, learning: bool, truly: bool = False) -> Callable[[Any], Any]:
    """Returns a stand-in for `build_backbone` that cannot work on more than `limit` pictures."""

    def build(config: Any) -> Any:
        inner = tiny_backbone(config)
        x = Hungry(limit, learning, truly)(inner.input)
        for layer in inner.layers[1:]:
            x = layer(x)
        return keras.Model(inner.input, x, name="backbone")

    return build
