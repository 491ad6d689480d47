"""The model as a web page computes it: answer, hand's square and features out of one file.

LiteRT.js runs the TFLite file of a bundle. A page also shows where the hand is, and learns a last
layer of its own on the features; both are tensors of the same graph, so it is made in memory from
the file that the bundle has: no page fetches a second network.
"""

import itertools
import struct
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.runtime.square import graph_of, square_tensors, with_outputs

_SIGNATURES_SLOT = 18
"""Of the model's table: field 7."""

_DATA_SLOT = 4
"""Of a buffer's table: field 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLayer:
    """The dense layer before the softmax: its place among the operators, and its tensors."""

    step: int
    features: int
    weights: int
    bias: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageModel:
    """A TFLite file with the outputs that `outputs` names, in their order.

    `probabilities` (1, L); where there is a hand crop `x`, `y` and `side` (1, 1); `features` (V, F)
    of V views, where the last layer is one in floats. `head` is that layer, float32, lowest byte
    first: weights (F, L), bias (L); empty without it. `file` tells a page how to make the bundle's
    own file of `content` (its length, what to `undo`, its SHA-256), and where its last layer lies,
    weights (L, F) first; None without `head`.
    """

    content: bytes
    outputs: tuple[str, ...]
    head: bytes = b""
    file: dict[str, Any] | None = None


def page_model(content: bytes) -> PageModel:
    """Returns a recogniser's TFLite file with all that a page wants as outputs."""
    square, layer = square_tensors(content), last_layer(content)
    places = None if layer is None else _head(content, layer)
    names = ["probabilities", *(["x", "y", "side"] if square else [])]
    tensors = list(square)
    if layer is None or places is None:
        made = _without_signatures(with_outputs(content, tensors))
        return PageModel(content=made, outputs=tuple(names))
    made = _without_signatures(with_outputs(content, [*tensors, layer.features]))
    weights, bias = (place.read(content) for place in places)
    return PageModel(
        content=made,
        outputs=(*names, "features"),
        head=weights.T.astype("<f4").tobytes() + bias.astype("<f4").tobytes(),
        file={
            "bytes": len(content),
            "sha256": sha256(content).hexdigest(),
            "undo": _undo(content, made),
            "head": [{"offset": x.offset, "half": x.half} for x in places],
        },
    )


def last_layer(content: bytes) -> LastLayer | None:
    """Returns the last dense layer that a softmax follows, None where there is none."""
    from ai_edge_litert import schema_py_generated as schema

    _, steps = graph_of(content)
    ends = (schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.SOFTMAX)
    pairs = itertools.pairwise(kind for _, kind in steps)
    found = [i for i, pair in enumerate(pairs) if pair == ends]
    if not found:
        return None
    features, weights, bias = (int(steps[found[-1]][0].Inputs(i)) for i in range(3))
    return LastLayer(step=found[-1], features=features, weights=weights, bias=bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    """Where the numbers of a tensor lie in a file: half precision stands before a step that makes
    floats of it."""

    offset: int
    half: bool
    shape: tuple[int, ...]

    def read(self, content: bytes) -> NDArray[Any]:
        kind = "<f2" if self.half else "<f4"
        flat = np.frombuffer(content, kind, int(np.prod(self.shape)), self.offset)
        return flat.reshape(self.shape)


def _numbers(content: bytes, tensor: int) -> _Numbers | None:
    """Returns where a constant of the graph lies, None where it is none, or in whole numbers."""
    from ai_edge_litert import schema_py_generated as schema

    graph, steps = graph_of(content)
    for step, kind in steps:
        if step.Outputs(0) == tensor and kind == schema.BuiltinOperator.DEQUANTIZE:
            tensor = int(step.Inputs(0))
    its = graph.Tensors(tensor)
    kinds = {schema.TensorType.FLOAT32: False, schema.TensorType.FLOAT16: True}
    buffer = schema.Model.GetRootAsModel(content, 0).Buffers(its.Buffer())
    if its.Type() not in kinds or not buffer.DataLength():
        return None
    offset = int(buffer._tab.Vector(buffer._tab.Offset(_DATA_SLOT)))
    shape = tuple(its.ShapeAsNumpy().tolist())
    return _Numbers(offset=offset, half=kinds[its.Type()], shape=shape)


def _head(content: bytes, layer: LastLayer) -> tuple[_Numbers, _Numbers] | None:
    """Returns where weights (L, F) and bias (L) of a layer lie, None for one in whole numbers."""
    from ai_edge_litert import schema_py_generated as schema

    graph, _ = graph_of(content)
    if graph.Tensors(layer.features).Type() != schema.TensorType.FLOAT32:
        return None
    weights, bias = _numbers(content, layer.weights), _numbers(content, layer.bias)
    return None if weights is None or bias is None else (weights, bias)


def _undo(model: bytes, content: bytes) -> list[tuple[int, str]]:
    """Returns what makes a model of the first bytes of `content`: places, and bytes as hex."""
    theirs = np.frombuffer(content, np.uint8, len(model))
    others = np.flatnonzero(np.frombuffer(model, np.uint8) != theirs)
    runs = np.split(others, np.flatnonzero(np.diff(others) > 1) + 1)
    return [(int(x[0]), model[x[0] : x[-1] + 1].hex()) for x in runs if len(x)]


def _without_signatures(model: bytes) -> bytes:
    """Returns a model without signatures: theirs names the answer as the only output."""
    from ai_edge_litert import schema_py_generated as schema

    data = bytearray(model)
    table = schema.Model.GetRootAsModel(model, 0)._tab.Pos
    (back,) = struct.unpack_from("<i", data, table)
    (size,) = struct.unpack_from("<H", data, table - back)
    if size <= _SIGNATURES_SLOT:
        return model
    # Another table may share the list of fields: the model gets its own, at the end.
    fields = data[table - back : table - back + size]
    struct.pack_into("<H", fields, _SIGNATURES_SLOT, 0)
    data += bytes(-len(data) % 4)
    struct.pack_into("<i", data, table, table - len(data))
    return bytes(data + fields)
