"""A recogniser's PyTorch twin: the same layers in the same order, the same weights.

`written_down` turns a Keras recogniser that looks once into layers as plain data and arrays;
`Twin` computes them without Keras. Between both stands one `.npz` file, so that the machine with
the card needs PyTorch alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS = "layers"
"""The name of the file's entry that holds the layers as JSON."""

Arrays = dict[str, np.ndarray]
After = Callable[[str, Tensor], Tensor]


def written_down(model: Any) -> tuple[list[dict[str, Any]], Arrays]:
    """Returns the layers of a Keras recogniser's backbone, in order, and all its weights by name.

    A layer is its `name`, `kind`, the names of the layers that it reads (`of`), and its settings.
    Arrays are named as in the released weights. Raises `KeyError` for a layer of another kind.
    """
    from fingerspell.model.build import LOGITS, backbone_of, head_of

    layers, arrays = [], {}
    for layer in backbone_of(model).operations:
        of, numbers = _read_by(layer)
        kind = type(layer).__name__
        told = {"name": layer.name, "kind": kind, "of": of, "numbers": numbers}
        layers.append({**told, **SETTINGS[kind](layer)})
        arrays |= {f"{layer.name}/{v.name}": np.asarray(v) for v in getattr(layer, "weights", [])}
    logits = head_of(model).get_layer(LOGITS)
    arrays |= {f"{LOGITS}/{v.name}": np.asarray(v) for v in logits.weights}
    return layers, arrays


def _read_by(layer: Any) -> tuple[list[str], list[float]]:
    """Returns the layers whose output one reads, and the plain numbers beside them."""
    given = layer._inbound_nodes[0].arguments.args
    flat = [x for one in given for x in (one if isinstance(one, list) else [one])]
    tensors = [x for x in flat if hasattr(x, "_keras_history")]
    numbers = [float(x) for x in flat if isinstance(x, int | float)]
    return [tensor._keras_history.operation.name for tensor in tensors], numbers


def _convolution(layer: Any) -> dict[str, Any]:
    return {"strides": list(layer.strides), "padding": layer.padding}


SETTINGS = {
    "InputLayer": lambda _: {},
    "Conv2D": _convolution,
    "DepthwiseConv2D": _convolution,
    "BatchNormalization": lambda layer: {"epsilon": layer.epsilon},
    "Activation": lambda layer: {"function": layer.activation.__name__},
    "ReLU": lambda layer: {"function": RELU[layer.max_value]},
    "ZeroPadding2D": lambda layer: {"margins": [list(pair) for pair in layer.padding]},
    "GlobalAveragePooling2D": lambda layer: {"keep": bool(layer.keepdims)},
    "Add": lambda _: {},
    "Multiply": lambda _: {},
}
RELU = {None: "relu", 6.0: "relu6"}
FUNCTIONS = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "hard_silu": functional.hardswish,
    "hard_swish": functional.hardswish,
    "hard_sigmoid": functional.hardsigmoid,
}


def save_network(path: Path, layers: list[dict[str, Any]], arrays: Arrays) -> None:
    """Writes layers and weights into one file."""
    with path.open("wb") as out:
        np.savez(out, allow_pickle=False, **arrays, **{LAYERS: np.array(json.dumps(layers))})


def halved(arrays: Arrays) -> Arrays:
    """Returns kernels in half precision, vectors as they are: as the released weights lie."""
    return {name: a.astype(np.float16 if a.ndim > 1 else np.float32) for name, a in arrays.items()}


def load_network(path: Path) -> tuple[list[dict[str, Any]], Arrays]:
    """Reads what `save_network` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return json.loads(str(arrays.pop(LAYERS))), arrays


class Twin(nn.Module):
    """Pixels in [0, 1], shape (N, 3, H, W) → logits (N, C).

    `momentum` is how much of its old mean BatchNormalization keeps, as Keras counts it.
    """

    def __init__(
        self, layers: list[dict[str, Any]], arrays: Arrays, dropout: float, momentum: float
    ) -> None:
        super().__init__()
        self.layers, self.momentum = layers, momentum
        self.settled = False
        """Whether BatchNormalization keeps its statistics while everything else learns."""

        self.dropout = nn.Dropout(dropout)
        self.kept = nn.ParameterDict()
        for name, array in arrays.items():
            tensor = torch.from_numpy(np.ascontiguousarray(_to_torch(name, array)))
            if name.endswith(("moving_mean", "moving_variance")):
                self.register_buffer(_key(name), tensor)
            else:
                self.kept[_key(name)] = nn.Parameter(tensor)

    def weight(self, layer: str, name: str) -> Tensor | None:
        key = _key(f"{layer}/{name}")
        return self.kept[key] if key in self.kept else self._buffers.get(key)

    def features(self, pixels: Tensor, after: After | None = None) -> Tensor:
        """What the backbone makes of pixels, (N, F); `after` may change what single layers make."""
        made: dict[str, Tensor] = {}
        x = pixels
        for layer in self.layers:
            read = [made[name] for name in layer["of"]]
            x = pixels * 2 - 1 if not read else self._computed(layer, read)
            x = made[layer["name"]] = x if after is None else after(layer["name"], x)
        return x

    def forward(self, pixels: Tensor) -> Tensor:
        return self.logits(self.features(pixels))

    def logits(self, x: Tensor) -> Tensor:
        kernel, bias = self.weight("logits", "kernel"), self.weight("logits", "bias")
        with torch.autocast(x.device.type, enabled=False):  # As in Keras: always float32.
            return functional.linear(self.dropout(x.float()), kernel, bias)

    def _computed(self, layer: dict[str, Any], read: list[Tensor]) -> Tensor:
        kind, x = layer["kind"], read[0]
        if kind in ("Conv2D", "DepthwiseConv2D"):
            kernel = self.weight(layer["name"], "kernel")
            if layer["padding"] == "same":
                x = _same(x, kernel.shape[-1], layer["strides"][0])
            groups = x.shape[1] if kind == "DepthwiseConv2D" else 1
            bias = self.weight(layer["name"], "bias")
            return functional.conv2d(x, kernel, bias, tuple(layer["strides"]), groups=groups)
        if kind == "BatchNormalization":
            mean, variance, gamma, beta = (
                self.weight(layer["name"], name)
                for name in ("moving_mean", "moving_variance", "gamma", "beta")
            )
            return functional.batch_norm(
                x, mean, variance, gamma, beta, self.training and not self.settled,
                1 - self.momentum, layer["epsilon"],
            )  # fmt: skip
        if kind in ("Activation", "ReLU"):
            return FUNCTIONS[layer["function"]](x)
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer["margins"]
            return functional.pad(x, (left, right, top, bottom))
        if kind == "GlobalAveragePooling2D":
            return x.mean((2, 3), keepdim=layer["keep"])
        other = read[1] if len(read) > 1 else layer["numbers"][0]
        return x + other if kind == "Add" else x * other

    def arrays(self) -> Arrays:
        """Returns the weights by their names in Keras, float32."""
        named = {**dict(self.kept.items()), **self._buffers}
        return {
            _name(key): _to_keras(_name(key), value.detach().float().cpu().numpy())
            for key, value in named.items()
        }


def _same(x: Tensor, side: int, stride: int) -> Tensor:
    """Pads as TensorFlow does: what is odd comes to the right and below."""
    margins = []
    for length in (x.shape[3], x.shape[2]):
        whole = max((-(-length // stride) - 1) * stride + side - length, 0)
        margins += [whole // 2, whole - whole // 2]
    return functional.pad(x, margins) if any(margins) else x


def _key(name: str) -> str:
    return name.replace("/", "__")


def _name(key: str) -> str:
    return key.replace("__", "/")


def _to_torch(name: str, array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32)
    if array.ndim == 4:
        # Keras: height, width, in, out; of depthwise kernels the last is 1 an input.
        return array.transpose((2, 3, 0, 1) if _depthwise(name) else (3, 2, 0, 1))
    return array.T if array.ndim == 2 else array


def _to_keras(name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose((2, 3, 0, 1) if _depthwise(name) else (2, 3, 1, 0))
    return array.T if array.ndim == 2 else array


def _depthwise(name: str) -> bool:
    return name.split("/")[0].endswith("depthwise")
