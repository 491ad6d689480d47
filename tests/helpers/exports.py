"""Pictures and a small recogniser for the export tests."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fingerspell import images
from helpers.tiny_network import tiny_backbone_with_grid

SIZE_PX = (64, 64)
LABELS = ("A", "B", "C", "nothing")


def jpeg(height: int, width: int, seed: int = 0) -> bytes:
    """A JPEG with soft shapes and colours, different for each seed."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    waves = [np.sin(random.uniform(4, 25) * (x * a + y * b)) for a, b in random.normal(size=(3, 2))]
    rgb = np.stack(waves, axis=2) * 90 + random.uniform(90, 165, 3)
    return images.encode_jpeg(np.clip(rgb, 0, 255).astype(np.uint8))


@cache
def jpegs(count: int = 200) -> tuple[bytes, ...]:
    sizes = [(64, 64), (80, 60), (61, 83), (40, 40), (128, 128)]
    return tuple(jpeg(*sizes[seed % len(sizes)], seed) for seed in range(count))


def named(count: int = 200) -> dict[str, bytes]:
    return {f"test/A/{index}.jpg": data for index, data in enumerate(jpegs(count))}


@cache
def fitted(count: int = 200, size_px: tuple[int, int] = SIZE_PX) -> np.ndarray:
    return np.stack([images.load(data, size_px) for data in jpegs(count)])


BUILD = "fingerspell.model.build.build_backbone"
HEAVY = partial(tiny_backbone_with_grid, features=640)
"""A tiny backbone of 1.6 MB, so that weights written twice weigh more than all else in a file."""


@cache
def recogniser() -> Any:
    """MobileNetV3Small whose statistics and head are set so that its answers differ."""
    import keras

    from fingerspell.config import ModelConfig
    from fingerspell.model import build_recogniser

    keras.utils.set_random_seed(3)  # Some draws leave a class that never wins.
    return lively(
        build_recogniser(ModelConfig(backbone="MobileNetV3Small", image_size_px=SIZE_PX), 4)
    )


@cache
def tiny_recogniser() -> Any:
    """Stands in for `recogniser`, by that name: the same steps of an export, sooner done."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BUILD, HEAVY)
        return recogniser.__wrapped__()


TFLITE_2_12 = {
    "ABS": 5, "ADD": 4, "BATCH_MATMUL": 4, "CONCATENATION": 3, "CONV_2D": 7, "DEPTHWISE_CONV_2D": 6,
    "DEQUANTIZE": 5, "DIV": 2, "EXPAND_DIMS": 1, "FULLY_CONNECTED": 9, "HARD_SWISH": 1,
    "LOGISTIC": 3, "MAXIMUM": 4, "MEAN": 3, "MINIMUM": 4, "MUL": 6, "QUANTIZE": 3, "REDUCE_MAX": 3,
    "RESHAPE": 1, "RESIZE_BILINEAR": 3, "REVERSE_V2": 3, "SOFTMAX": 3, "SQRT": 1, "SUB": 5,
    "SUM": 2, "TRANSPOSE": 6,
}  # fmt: skip
"""The newest version of each operation that the interpreter of TensorFlow 2.12.1 took, each tried
on it with a file of that operation alone."""


def too_new(folder: Path) -> list[str]:
    """What in a folder's TFLite files TensorFlow Lite 2.12 does not have."""
    from fingerspell.export import tflite

    return [
        f"{path.name}: {name} {version}"
        for path in folder.glob("*.tflite")
        for name, version in tflite._operations(path.read_bytes())
        if version > TFLITE_2_12.get(name, 0)
    ]


PLACE_CHANNELS = 40
"""Features of MobileNetV3Small in each cell that is asked for a hand."""


@cache
def somewhere(tiny: bool = False, sure: float = 1.0) -> Any:
    """A place that depends on the picture: what untrained kernels make of the features."""
    from fingerspell.model.hand_crop import HandBox, grid_network

    cells = np.asarray(grid_network(tiny_recogniser() if tiny else recogniser())(fitted()))
    rng = np.random.default_rng(4)
    wide = 0.2 / cells.std()
    kernels = [rng.normal(0, wide, (3, 3, cells.shape[-1], 6)), rng.normal(0, 0.5, (1, 1, 6, 1))]
    first, last = (kernel.astype(np.float32) for kernel in kernels)
    context = (first, np.ones(6, np.float32))
    open_ = shares(HandBox((context, (last, np.zeros(1, np.float32)))), cells)
    bias = -np.quantile(np.log(open_ / (1 - open_)), 0.9, keepdims=True).reshape(1)
    return HandBox((context, (sure * last, (sure * bias).astype(np.float32))))


def shares(hand_box: Any, grid: np.ndarray) -> np.ndarray:
    """Returns how much of each cell (N, h, w, 1) a hand localisation takes for hand."""
    import keras

    from fingerspell.model.hand_crop import localisation

    features = keras.Input(grid.shape[1:])
    return np.asarray(keras.Model(features, localisation(hand_box, features))(grid))


def lively(model: Any) -> Any:
    """Makes a random network look at its pictures, so that every class wins somewhere.

    With untrained BatchNormalization statistics all features are nearly constant, and rounding
    would decide the class.
    """
    import keras

    from fingerspell.model import backbone_of, head_of
    from fingerspell.model.build import feature_network

    norms = [x for x in backbone_of(model).layers if isinstance(x, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    feature_network(model)(fitted(40), training=True)
    features = feature_network(model).predict(fitted(40), verbose=0)
    centred = features - features.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    kernel = np.concatenate([directions[:2], -directions[:2]]).T
    kernel *= 2 / (centred @ kernel).std()
    head_of(model).get_layer("logits").set_weights([kernel, -features.mean(axis=0) @ kernel])
    return model
