"""The same recogniser for pictures of another size, to learn cheaply at first."""

from __future__ import annotations

import keras

from fingerspell.model.build import build_recogniser
from fingerspell.model.parts import backbone_of, head_of, size_of
from fingerspell.model.saved import config_of


def at_size(model: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a recogniser for pictures of `size_px` (height, width) that holds `model`'s values.

    That is `model` itself where the size is its own, else a network of its own: MobileNetV3 pads
    its strided convolutions by whether each stage's side is even, which is fixed when it is
    built. Computed as the present policy says (mixed precision), nothing frozen.
    """
    return model if size_of(model) == tuple(size_px) else copy_at(model, size_px)


def copy_at(model: keras.Model, size_px: tuple[int, int]) -> keras.Model:
    """Returns a network of its own for pictures of `size_px` that holds `model`'s values."""
    copy = build_recogniser(config_of(model, size_px), int(model.output_shape[-1]))
    # Keras numbers layers without a name of their own anew; a phase may be told to start at one.
    for layer, original in zip(backbone_of(copy).layers, backbone_of(model).layers, strict=True):
        layer.name = original.name
    carry(model, copy)
    return copy


def carry(source: keras.Model, target: keras.Model) -> None:
    """Copies every value of `source` into `target`, dropout's generators included."""
    if source is target:
        return
    for part in (backbone_of, head_of):
        for variable, value in zip(part(target).variables, part(source).variables, strict=True):
            # By way of numpy: JAX would share one array, and training one would give it away.
            variable.assign(keras.ops.convert_to_numpy(value))
