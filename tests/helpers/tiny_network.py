"""A backbone with everything that a run carries along, small enough to be traced at once."""

from __future__ import annotations

from typing import Any


def tiny_backbone(config: Any) -> Any:
    """Stands in for `fingerspell.model.build.build_backbone`: convolution, BatchNormalization."""
    import keras

    image = keras.Input((*config.image_size_px, 3))
    x = keras.layers.Conv2D(6, 5, strides=4, use_bias=False)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Activation("hard_swish")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, x, name="backbone")
