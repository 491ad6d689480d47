"""What a recogniser looks at for an answer: the picture, its mirror image too, or a part of it."""

from __future__ import annotations

import keras

from fingerspell.model.closer import Place, look_closer, looks_closer, place_of
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


def looks_of(model: keras.Model) -> str:
    """Returns the word of `ModelConfig.looks` for what a recogniser looks at."""
    if looks_closer(model):
        return "closer"
    return "mirrored" if looks_twice(model) else "once"


def look_as(model: keras.Model, looks: str, place: Place | None = None) -> keras.Model:
    """Returns a recogniser that looks as `ModelConfig.looks` says; `model` looks once.

    `place` tells the hand where it looks closer.
    """
    if looks == "mirrored":
        return look_twice(model)
    if looks == "closer" and place is not None:
        return look_closer(model, place)
    return model


def look_like(other: keras.Model, model: keras.Model) -> keras.Model:
    """Returns a recogniser that looks as `other` does; `model` looks once."""
    return look_as(model, looks_of(other), place_of(other) if looks_closer(other) else None)
