"""Hand crop: localises the hand inside the network and classifies an enlarged crop around it.

A 1×1 convolution half way up the backbone says for every cell of a coarse grid how much of it is
hand. A square around the hand follows from that; it is enlarged to the network's picture size. The
recogniser's answer is the mean over that crop and its mirror image. Localisation and both views
share the backbone; localisation needs only its lower half.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fingerspell.errors import require
from fingerspell.model.build import BACKBONE, backbone_of, head_of, scaling_of, size_of

HAND_CELLS = "hand_here"
"""The layer that localises the hand; saved recognisers and the starter's weights name it so."""

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
    """Weights of the hand localisation: sigmoid(features · kernel + bias) is a cell's hand share.

    `kernel` float32 (C,), one weight a feature of the backbone's `TAPS` layer; `bias` a number.
    """

    kernel: NDArray[np.float32]
    bias: float


def with_hand_crop(model: keras.Model, hand_box: HandBox) -> keras.Model:
    """Returns a recogniser that classifies the crop around the hand that it localises.

    Its probabilities are the mean over the crop and its mirror image: the less both agree, the
    lower the confidence. It shares every layer with `model`, which has a single view, and is for
    inference only.
    """
    image, one = model.input, backbone_of(model)
    both = keras.Model(one.input, [one.output, one.get_layer(_tap_of(model)).output], name=BACKBONE)
    hand_cells = keras.layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name=HAND_CELLS)
    scaling = scaling_of(model)
    shares = hand_cells(both(scaling(image))[1])
    hand_cells.set_weights(
        [hand_box.kernel.reshape(1, 1, -1, 1), np.array([hand_box.bias], np.float32)]
    )
    crop = _enlarged(image, *_square_of(shares), size_of(model))
    pair = keras.layers.Concatenate(axis=0)([crop, ops.flip(crop, axis=2)])
    answers = head_of(model)(both(scaling(pair))[0])
    views = ops.transpose(ops.reshape(answers, (2, -1, answers.shape[-1])), (1, 0, 2))
    named = keras.layers.Identity(name=_VIEWS, dtype="float32")(views)
    return keras.Model(image, ops.mean(named, axis=1), name=model.name)


def has_hand_crop(model: keras.Model) -> bool:
    """Returns whether a recogniser classifies a hand crop."""
    return any(layer.name == HAND_CELLS for layer in model.layers)


def hand_box_of(model: keras.Model) -> HandBox:
    """Returns the weights of the hand localisation of a recogniser with a hand crop."""
    kernel, bias = model.get_layer(HAND_CELLS).get_weights()
    return HandBox(kernel.reshape(-1), float(bias[0]))


def with_views_of(other: keras.Model, model: keras.Model) -> keras.Model:
    """Returns `model`, which has a single view, with the views of `other`."""
    return with_hand_crop(model, hand_box_of(other)) if has_hand_crop(other) else model


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
    return keras.Model(model.input, lower(scaling_of(model)(model.input)), name="grid")


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

    `shares` (N, h, w, 1) is how much of each cell is hand. Their sum is the hand's area, their
    weighted mean position its middle. The lower the largest share, the larger the crop.
    """
    height, width = shares.shape[1:3]
    area = ops.sum(shares, axis=(1, 2)) + _LITTLE
    middles = []
    for axis, count in ((1, width), (2, height)):
        along = ops.reshape(ops.sum(shares, axis=axis), (-1, count))
        places = np.arange(count, dtype=np.float32) + 0.5
        middle = ops.sum(along * places, axis=1, keepdims=True) + _LITTLE * count / 2
        middles.append(middle / (area * count))
    unsure = 1.0 - ops.max(shares, axis=(1, 2))
    side = _MARGIN * ops.sqrt(area / (height * width)) + unsure
    side = ops.minimum(ops.maximum(side, _LEAST_SIDE), 1.0)
    x, y = (ops.minimum(ops.maximum(m, side / 2), 1 - side / 2) for m in middles)
    return x, y, side


def _enlarged(image: Any, x: Any, y: Any, side: Any, size_px: tuple[int, int]) -> Any:
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
