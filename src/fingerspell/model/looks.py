"""A second look, at the mirrored picture: a left hand is then read exactly as a right one."""

from __future__ import annotations

import keras

from fingerspell.model.parts import backbone_of, head_of, scaling_of

BOTH = "picture_and_mirrored"


def look_twice(model: keras.Model) -> keras.Model:
    """Returns a recogniser that answers by the mean features of a picture and its mirror image.

    It shares every part with `model`, takes about twice the time for an answer, and is for
    answering: learning mirrors pictures by chance instead. One that looks twice already is
    returned as it is.
    """
    if looks_twice(model):
        return model
    image = model.input
    looks = keras.layers.Concatenate(axis=0, name=BOTH)([image, keras.ops.flip(image, axis=2)])
    features = backbone_of(model)(scaling_of(model)(looks))
    pairs = keras.ops.reshape(features, (2, -1, features.shape[-1]))
    return keras.Model(image, head_of(model)(keras.ops.mean(pairs, axis=0)), name=model.name)


def looks_twice(model: keras.Model) -> bool:
    """Returns whether a recogniser takes a second look."""
    return any(layer.name == BOTH for layer in model.layers)
