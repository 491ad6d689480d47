"""Hand crop: localises the hand inside the network and classifies an enlarged crop around it.

A few small convolutions half way up the backbone say for every cell of a coarse grid how much of it
is hand. A square around the hand follows from that; it is cut from the picture and brought to the
backbone's size. The recogniser's answer is the mean over that crop and its mirror image.
Localisation and both views share the backbone; localisation needs only its lower half.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fingerspell.errors import require
from fingerspell.model.build import (
    BACKBONE,
    backbone_of,
    feature_network,
    head_of,
    scaling_of,
    size_of,
    whole_picture,
)

HAND_CELLS = "hand_here"
"""The layer that localises the hand; saved recognisers and the starter's weights name it so."""

_CONTEXT = "hand_context_{}"
"""The layers before it, from 1 on."""

_VIEWS = "views"

TAPS = {"MobileNetV3Large": "expanded_conv_8_add", "MobileNetV3Small": "expanded_conv_5_add"}
"""A layer of each backbone whose cells are 16 pixels wide; deeper ones localise no better."""

# Half precision holds all these numbers exactly: the crop would move otherwise.
_MARGIN = 1.875
"""The side of the crop in sides of the hand's own square."""

_LEAST_SIDE = 0.3125
"""The smallest crop, as a share of the picture's sides."""

_LITTLE = 2.0**-10
"""The hand's area, in cells, where there is none."""


@dataclass(frozen=True, slots=True)
class HandBox:
    """Weights of the hand localisation, layer by layer: kernel float32 (h, w, in, out) and bias.

    The first layer takes the features of the backbone's `TAPS`. ReLU6 follows each but the last,
    whose one sigmoid is a cell's hand share. More than one layer sees what is around a cell.
    """

    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]


def layer_names(count: int) -> tuple[str, ...]:
    """Returns the names of that many layers of a hand localisation, in order."""
    return (*(_CONTEXT.format(number) for number in range(1, count)), HAND_CELLS)


def localisation(hand_box: HandBox, grid: Any) -> Any:
    """Returns how much of each cell is hand (N, h, w, 1), from features (N, h, w, C)."""
    names = layer_names(len(hand_box.layers))
    for name, (kernel, bias) in zip(names, hand_box.layers, strict=True):
        *window, _, out = kernel.shape
        activation = "sigmoid" if name == HAND_CELLS else "relu6"
        layer = keras.layers.Conv2D(
            out, window, padding="same", activation=activation, dtype="float32", name=name
        )
        grid = layer(grid)
        layer.set_weights([kernel, bias])
    return grid


def with_views(
    model: keras.Model, size_px: tuple[int, int], hand_box: HandBox | None
) -> keras.Model:
    """Returns a recogniser for pictures of `size_px` that shares every layer with `model`.

    `model` is as `build_recogniser` makes it. With a `hand_box` it gets a hand crop.
    """
    if hand_box is not None:
        return with_hand_crop(model, hand_box, size_px)
    if size_of(model) == tuple(size_px):
        return model
    image = keras.Input((*size_px, 3), name=model.input.name)
    return _single_view(model, image)


def with_hand_crop(
    model: keras.Model, hand_box: HandBox, size_px: tuple[int, int] | None = None
) -> keras.Model:
    """Returns a recogniser that classifies the crop around the hand that it localises.

    It takes pictures of `size_px` (None: of `model`'s size). Its probabilities are the mean over
    the crop and its mirror image: the less both agree, the lower the confidence. It shares every
    layer with `model`, which has a single view, and is for inference only.
    """
    one, network_px = backbone_of(model), size_of(backbone_of(model))
    image = keras.Input((*(size_px or network_px), 3), name=model.input.name)
    both = keras.Model(one.input, [one.output, one.get_layer(_tap_of(model)).output], name=BACKBONE)
    shares = localisation(hand_box, both(whole_picture(model, image))[1])
    crop = _cut(image, *_square_of(shares), network_px)
    pair = keras.layers.Concatenate(axis=0)([crop, ops.flip(crop, axis=2)])
    answers = head_of(model)(both(scaling_of(model)(pair))[0])
    views = ops.transpose(ops.reshape(answers, (2, -1, answers.shape[-1])), (1, 0, 2))
    named = keras.layers.Identity(name=_VIEWS, dtype="float32")(views)
    return keras.Model(image, ops.mean(named, axis=1), name=model.name)


def has_hand_crop(model: keras.Model) -> bool:
    """Returns whether a recogniser classifies a hand crop."""
    return any(layer.name == HAND_CELLS for layer in model.layers)


def hand_box_of(model: keras.Model) -> HandBox:
    """Returns the weights of the hand localisation of a recogniser with a hand crop."""
    there = {layer.name for layer in model.layers}
    count = 1 + sum(_CONTEXT.format(n) in there for n in range(1, len(there)))
    weights = (model.get_layer(name).get_weights() for name in layer_names(count))
    return HandBox(tuple((kernel, bias) for kernel, bias in weights))


def with_views_of(other: keras.Model, model: keras.Model) -> keras.Model:
    """Returns `model`, which has a single view, with the views and the picture size of `other`."""
    hand_box = hand_box_of(other) if has_hand_crop(other) else None
    return with_views(model, size_of(other), hand_box)


def single_view(model: keras.Model) -> keras.Model:
    """Returns a recogniser of the same pictures and weights that sees them once, as a whole."""
    return _single_view(model, model.input) if has_hand_crop(model) else model


def _single_view(model: keras.Model, image: Any) -> keras.Model:
    features = feature_network(model, image)
    return keras.Model(image, head_of(model)(features.output), name=model.name)


def views_of(model: keras.Model) -> str:
    """Returns the value of `ModelConfig.views` that describes a recogniser."""
    return "hand_crop" if has_hand_crop(model) else "single"


def views_network(model: keras.Model) -> keras.Model:
    """Returns a network that gives the probabilities of each view: [0, 1] pixels → (N, V, C).

    Their mean is the recogniser's answer. V is 1 with a single view and 2 with a hand crop.
    """
    if has_hand_crop(model):
        return keras.Model(model.input, model.get_layer(_VIEWS).output, name=_VIEWS)
    return keras.Model(model.input, ops.expand_dims(model.output, 1), name=_VIEWS)


def grid_network(model: keras.Model) -> keras.Model:
    """Returns the lower half: pixels in [0, 1] → the features (N, h, w, C) of a coarse grid."""
    backbone = backbone_of(model)
    lower = keras.Model(backbone.input, backbone.get_layer(_tap_of(model)).output)
    return keras.Model(model.input, lower(whole_picture(model, model.input)), name="grid")


def _tap_of(model: keras.Model) -> str:
    """Returns the name of the tapped layer; raises `ConfigError` for an unknown backbone."""
    require(
        model.name in TAPS,
        found=f"a hand crop with the backbone {model.name}",
        expected=f"one of {', '.join(TAPS)}",
        fix="use views='single'",
    )
    return TAPS[model.name]


def _square_of(shares: Any) -> tuple[Any, Any, Any]:
    """Returns the crop: x and y of its middle and its side (N, 1), as shares of the picture.

    `shares` (N, h, w, 1) is how much of each cell is hand. The lower the largest of them, the
    larger the crop. `fingerspell.runtime.square` finds these steps in a file.
    """
    *middles, side = hand_of(shares)
    side = _MARGIN * side + (1.0 - ops.max(shares, axis=(1, 2)))
    side = ops.minimum(ops.maximum(side, _LEAST_SIDE), 1.0)
    x, y = (ops.minimum(ops.maximum(m, side / 2), 1 - side / 2) for m in middles)
    return x, y, side


def hand_of(shares: Any) -> tuple[Any, Any, Any]:
    """Returns the hand's own square: x and y of its middle and its side (N, 1), as shares.

    The sum of `shares` is the hand's area, their weighted mean position its middle.
    """
    height, width = shares.shape[1:3]
    area = ops.sum(shares, axis=(1, 2)) + _LITTLE
    middles = []
    for axis, count in ((1, width), (2, height)):
        along = ops.reshape(ops.sum(shares, axis=axis), (-1, count))
        places = np.arange(count, dtype=np.float32) + 0.5
        middle = ops.sum(along * places, axis=1, keepdims=True) + _LITTLE * count / 2
        middles.append(middle / (area * count))
    return *middles, ops.sqrt(area / (height * width))


def _cut(image: Any, x: Any, y: Any, side: Any, size_px: tuple[int, int]) -> Any:
    """Returns the part (N, h, w, 3) of each picture (N, H, W, 3) around x, y, of (h, w) `size_px`.

    Between pixels it is linear, and an average over areas where it shrinks, as `images.fit`. `side`
    1 gives the whole picture: where the sizes are equal itself, exactly.
    """
    (tall, wide), (height, width) = image.shape[1:3], size_px
    rows, columns = _weights(y, side, height, tall), _weights(x, side, width, wide)
    out = ops.matmul(rows, ops.reshape(image, (-1, tall, wide * 3)))
    out = ops.transpose(ops.reshape(out, (-1, height, wide, 3)), (0, 2, 1, 3))
    out = ops.matmul(columns, ops.reshape(out, (-1, wide, height * 3)))
    return ops.transpose(ops.reshape(out, (-1, width, height, 3)), (0, 2, 1, 3))


def _weights(middle: Any, side: Any, new: int, old: int) -> Any:
    """Returns how much of each old pixel is in each new one: (N, new, old); a row adds up to 1.

    A new pixel at p is s = max(1, side * old / new) old ones wide, an old one at j is 1 wide. The
    weight is their overlap over s: min(1, max(0, (s + 1) / 2 - |p - j|)) / s.
    """
    step = side * (old / new)
    # Pixel i of n is at (i + 1/2) / n of the picture; here in old pixels.
    places = middle * old + step * (np.arange(new, dtype=np.float32) + (0.5 - new / 2)) - 0.5
    places = ops.minimum(ops.maximum(places, 0.0), old - 1.0)
    away = ops.abs(ops.expand_dims(places, 2) - np.arange(old, dtype=np.float32))
    if old <= new:
        return ops.maximum(1.0 - away, 0.0)
    width = ops.expand_dims(ops.maximum(step, 1.0), 2)
    return ops.minimum(ops.maximum((width + 1.0) / 2 - away, 0.0), 1.0) / width
