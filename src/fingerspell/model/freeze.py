"""Freezing is data: a layer name, and what BatchNormalization may do."""

from __future__ import annotations

import keras

from fingerspell.errors import ModelError
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


def _index_of(backbone: keras.Model, first: str) -> int:
    if first == ALL:
        return 0
    names = [layer.name for layer in backbone.layers]
    if first not in names:
        raise ModelError(
            found=f"unfrozen_from={first!r}, which is no layer of this backbone",
            expected="'all' or a layer name such as " + ", ".join(names[-3:]),
            fix="use 'all', or list the names with fingerspell.model.backbone_of(model).layers",
        )
    return names.index(first)
