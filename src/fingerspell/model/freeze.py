"""Freezing is data: a layer name, and what BatchNormalization may do."""

from __future__ import annotations

import difflib

import keras

from fingerspell.errors import ConfigError
from fingerspell.model.parts import backbone_of

ALL = "all"


def freeze_all(model: keras.Model) -> None:
    """Freezes the whole backbone; the head stays trainable."""
    backbone_of(model).trainable = False


def unfreeze(model: keras.Model, first: str, batchnorm_momentum: float | None) -> None:
    """Frees the backbone from the layer named `first` (or `"all"`) to its end.

    `batchnorm_momentum=None` keeps BatchNormalization in inference mode by freezing those layers
    themselves: calling the backbone with `training=False` does not keep their statistics still
    during `fit`. A number trains them with that momentum (MobileNetV3's own 0.999 is too slow for
    short runs).
    """
    backbone = backbone_of(model)
    start = _index_of(backbone, first)
    backbone.trainable = True
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= start
        if isinstance(layer, keras.layers.BatchNormalization):
            _treat(layer, batchnorm_momentum)


def _treat(layer: keras.layers.BatchNormalization, momentum: float | None) -> None:
    if momentum is None:
        layer.trainable = False
    else:
        layer.momentum = momentum


def require_layer(model: keras.Model, first: str | None) -> None:
    """Raises `ConfigError` where `unfreeze` would not find the layer named `first`."""
    if first is not None:
        _index_of(backbone_of(model), first)


def _index_of(backbone: keras.Model, first: str) -> int:
    if first == ALL:
        return 0
    names = [layer.name for layer in backbone.layers]
    if first not in names:
        near = difflib.get_close_matches(str(first), names, n=3, cutoff=0.5)
        raise ConfigError(
            found=f"unfrozen_from={first!r}, which is no layer of this backbone",
            expected=f"'all', or one of its {len(names)} layers from {names[0]!r} to {names[-1]!r}",
            fix=f"try {' or '.join(map(repr, near or ['all']))}; "
            "fingerspell.model.backbone_of(model).layers lists all",
        )
    return names.index(first)
