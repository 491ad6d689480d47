"""Finds the parts of a recogniser by their fixed names."""

from __future__ import annotations

import keras

from fingerspell.errors import ModelError
from fingerspell.model.build import BACKBONE, SCALING


def _part(model: keras.Model, name: str) -> keras.Model:
    try:
        return model.get_layer(name)
    except ValueError as error:
        raise ModelError(
            found=f"a model without a part named {name!r}",
            expected="a recogniser that `fingerspell train` saved",
            fix="train again, or pass the model.keras of a run folder",
        ) from error


def backbone_of(model: keras.Model) -> keras.Model:
    """Returns the feature network: pixels in [-1, 1] → features (N, F)."""
    return _part(model, BACKBONE)


def head_of(model: keras.Model) -> keras.Model:
    """Returns the classifier: features (N, F) → probabilities (N, C)."""
    return _part(model, "head")


def scaling_of(model: keras.Model) -> keras.Layer:
    """Returns the layer that brings pixels from [0, 1] to [-1, 1]."""
    return _part(model, SCALING)


def feature_network(model: keras.Model) -> keras.Model:
    """Returns the front of the recogniser: pixels in [0, 1] → features, sharing its weights.

    It looks once, also where the recogniser looks twice.
    """
    found = backbone_of(model)(scaling_of(model)(model.input))
    # Where the recogniser looks closer, its backbone gives a grid of features, too.
    features = found[0] if isinstance(found, list) else found
    return keras.Model(model.input, features, name="features")


def size_of(model: keras.Model) -> tuple[int, int]:
    """Returns the height and width in pixels of the pictures that the recogniser takes."""
    height, width = model.input_shape[1:3]
    return int(height), int(width)
