"""A second look, closer: where the hand is small, the picture is read again around it.

Half way up the backbone every cell of a coarse grid is asked whether it shows a hand. From the
answers follows a square around the hand; it is enlarged to the network's picture size and read, as
it is and mirrored; the mean of both answers is given. All looks share the backbone, and the first
one needs only its lower half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fingerspell.errors import require
from fingerspell.model.build import BACKBONE, backbone_of, head_of, scaling_of, size_of

HERE = "hand_here"
VIEWS = "views"
TAPS = {
    "MobileNetV3Large": "expanded_conv_8_add",
    "MobileNetV3Small": "expanded_conv_5_add",
}
"""A layer of each backbone whose cells are 16 pixels wide; more of the way tells no better."""

# Half precision holds all these numbers exactly: it would look elsewhere otherwise.
MARGIN = 1.875
"""How much wider than the hand's own square the second look is."""

LEAST_SIDE = 0.3125
"""The narrowest second look, as a share of the picture's sides."""

LITTLE = 2.0**-10
"""The hand's area, in cells, where there is none."""


@dataclass(frozen=True, slots=True)
class HandBox:
    """How to tell a cell that shows a hand: sigmoid(features · kernel + bias) is its share of hand.

    `kernel` float32 (C,), one weight a feature of the backbone's `TAPS` layer; `bias` a number.
    """

    kernel: NDArray[np.float32]
    bias: float


def grid_network(model: keras.Model) -> keras.Model:
    """Returns the lower half: pixels in [0, 1] → the features (N, h, w, C) of a coarse grid."""
    backbone = backbone_of(model)
    lower = keras.Model(backbone.input, backbone.get_layer(tap_of(model)).output)
    return keras.Model(model.input, lower(scaling_of(model)(model.input)), name="grid")


def tap_of(model: keras.Model) -> str:
    """Returns the layer whose cells are asked; raises `ConfigError` for an unknown backbone."""
    require(
        model.name in TAPS,
        found=f"a closer look through {model.name}",
        expected=f"one of {', '.join(TAPS)}",
        fix="use views='single'",
    )
    return TAPS[model.name]


def with_hand_crop(model: keras.Model, place: HandBox) -> keras.Model:
    """Returns a recogniser that reads a picture around the hand that it finds there.

    It answers by the mean probabilities of that part and of its mirror image (the less they agree,
    the less sure it is), shares every part with `model`, which looks once, and is for answering.
    """
    image, one = model.input, backbone_of(model)
    both = keras.Model(one.input, [one.output, one.get_layer(tap_of(model)).output], name=BACKBONE)
    here = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name=HERE)
    scaling = scaling_of(model)
    shares = here(both(scaling(image))[1])
    here.set_weights([place.kernel.reshape(1, 1, -1, 1), np.array([place.bias], np.float32)])
    near = enlarged(image, *square_of(shares), size_of(model))
    pair = keras.layers.Concatenate(axis=0)([near, ops.flip(near, axis=2)])
    answers = head_of(model)(both(scaling(pair))[0])
    views = ops.transpose(ops.reshape(answers, (2, -1, answers.shape[-1])), (1, 0, 2))
    named = keras.layers.Identity(name=VIEWS, dtype="float32")(views)
    return keras.Model(image, ops.mean(named, axis=1), name=model.name)


def views_network(model: keras.Model) -> keras.Model:
    """Returns what each look says: pixels in [0, 1] → probabilities (N, V, C).

    Their mean is what the recogniser answers. V is 1 where it looks once.
    """
    if has_hand_crop(model):
        return keras.Model(model.input, model.get_layer(VIEWS).output, name=VIEWS)
    return keras.Model(model.input, ops.expand_dims(model.output, 1), name=VIEWS)


def has_hand_crop(model: keras.Model) -> bool:
    """Returns whether a recogniser takes a closer look."""
    return any(layer.name == HERE for layer in model.layers)


def views_of(model: keras.Model) -> str:
    """Returns the word of `ModelConfig.looks` for how a recogniser answers."""
    return "hand_crop" if has_hand_crop(model) else "single"


def hand_box_of(model: keras.Model) -> HandBox:
    """Returns how a recogniser that looks closer tells where the hand is."""
    kernel, bias = model.get_layer(HERE).get_weights()
    return HandBox(kernel.reshape(-1), float(bias[0]))


def with_views_of(other: keras.Model, model: keras.Model) -> keras.Model:
    """Returns a recogniser that looks as `other` does; `model` looks once."""
    return with_hand_crop(model, hand_box_of(other)) if has_hand_crop(other) else model


def square_of(shares: Any) -> tuple[Any, Any, Any]:
    """Returns where to look: x and y of the middle and the side (N, 1), as shares of the picture.

    `shares` (N, h, w, 1) says how much of each cell is hand. Their sum is the hand's area, their
    mean place its middle. The less sure it is that a hand is anywhere, the wider the look.
    """
    height, width = shares.shape[1:3]
    area = ops.sum(shares, axis=(1, 2)) + LITTLE
    middles = []
    for axis, count in ((1, width), (2, height)):
        along = ops.reshape(ops.sum(shares, axis=axis), (-1, count))
        places = np.arange(count, dtype=np.float32) + 0.5
        middle = ops.sum(along * places, axis=1, keepdims=True) + LITTLE * count / 2
        middles.append(middle / (area * count))
    unsure = 1.0 - ops.max(shares, axis=(1, 2))
    side = MARGIN * ops.sqrt(area / (height * width)) + unsure
    side = ops.minimum(ops.maximum(side, LEAST_SIDE), 1.0)
    x, y = (ops.minimum(ops.maximum(m, side / 2), 1 - side / 2) for m in middles)
    return x, y, side


def enlarged(image: Any, x: Any, y: Any, side: Any, size_px: tuple[int, int]) -> Any:
    """Returns the part (N, H, W, 3) of each picture around x, y, enlarged to all of it.

    Between pixels it is linear. `side` 1 gives the picture itself, exactly.
    """
    height, width = size_px
    rows, columns = _weights(y, side, height), _weights(x, side, width)
    out = ops.matmul(rows, ops.reshape(image, (-1, height, width * 3)))
    out = ops.transpose(ops.reshape(out, (-1, height, width, 3)), (0, 2, 1, 3))
    out = ops.matmul(columns, ops.reshape(out, (-1, width, height * 3)))
    return ops.transpose(ops.reshape(out, (-1, width, height, 3)), (0, 2, 1, 3))


def _weights(middle: Any, side: Any, count: int) -> Any:
    """Returns how much of each old pixel is in each new one: (N, count new, count old)."""
    numbers = np.arange(count, dtype=np.float32)
    # Pixel i of n is at (i + 1/2) / n of the picture; here in pixels.
    places = middle * count + side * (numbers + 0.5 - count / 2) - 0.5
    places = ops.minimum(ops.maximum(places, 0.0), count - 1.0)
    return ops.maximum(1.0 - ops.abs(ops.expand_dims(places, 2) - numbers), 0.0)
