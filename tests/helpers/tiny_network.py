"""A backbone with everything that a run carries along, small enough to be traced at once."""

from __future__ import annotations

from typing import Any


def train_tiny() -> None:
    """Makes every training of this process one of a tiny network, which ends with two hands that
    show no letter instead of a hundred. Not undone: for a process of its own.
    """
    import fingerspell.model.build
    from fingerspell.train import synthetic

    fingerspell.model.build.build_backbone = tiny_backbone
    synthetic.THRESHOLD_NON_LETTERS_EACH = 1


def tiny_backbone(config: Any) -> Any:
    """Stands in for `fingerspell.model.build.build_backbone`: convolution, BatchNormalization."""
    import keras

    image = keras.Input((*config.network_size_px, 3))
    x = keras.layers.Conv2D(6, 5, strides=4, use_bias=False, name="first")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Activation("hard_swish")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, x, name="backbone")


def tiny_backbone_with_grid(config: Any, features: int = 0) -> Any:
    """A tiny backbone that a hand crop can be taken through: its grid has cells of 16 pixels.

    With `features` it ends in two dense layers of so many: heavy in a file and quickly computed.
    """
    import keras

    from fingerspell.model.hand_crop import TAPS

    image = keras.Input((*config.network_size_px, 3))
    x = keras.layers.Conv2D(6, 5, strides=4, padding="same", use_bias=False, name="first")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Activation("hard_swish")(x)
    x = keras.layers.Conv2D(8, 5, strides=4, padding="same", name=TAPS[config.backbone])(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("hard_swish")(x))
    for number in range(2 if features else 0):
        x = keras.layers.Dense(features, name=f"heavy_{number}")(x)
    return keras.Model(image, x, name="backbone")
