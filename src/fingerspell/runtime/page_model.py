"""The model as a web page computes it: answer, hand's square and features out of one file.

LiteRT.js runs the TFLite file of a bundle. A page also shows where the hand is, and learns a last
layer of its own on the features; both are tensors of the same graph, so it is made in memory from
the file that the bundle has: no page fetches a second network.
"""

import itertools
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.runtime.square import graph_of, square_tensors, with_outputs

_SIGNATURES_SLOT = 18
"""Of the model's table: field 7."""


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
    first: weights (F, L), bias (L); empty without it.
    """

    content: bytes
    outputs: tuple[str, ...]
    head: bytes = b""


def page_model(content: bytes) -> PageModel:
    """Returns a recogniser's TFLite file with all that a page wants as outputs."""
    square, layer = square_tensors(content), last_layer(content)
    head = b"" if layer is None else _head(content, layer)
    names = ["probabilities", *(["x", "y", "side"] if square else [])]
    tensors = list(square)
    if layer is not None and head:
        names, tensors = [*names, "features"], [*tensors, layer.features]
    content = _without_signatures(with_outputs(content, tensors))
    return PageModel(content=content, outputs=tuple(names), head=head)


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


def _head(content: bytes, layer: LastLayer) -> bytes:
    """Returns weights (F, L) and bias (L) of a layer in floats, empty for one in whole numbers."""
    from ai_edge_litert import schema_py_generated as schema

    graph, steps = graph_of(content)
    if graph.Tensors(layer.features).Type() != schema.TensorType.FLOAT32:
        return b""
    made = {step.Outputs(0): (step, kind) for step, kind in steps}

    def numbers(tensor: int) -> NDArray[Any] | None:
        # Half precision stands before a step that makes floats of it.
        step, kind = made.get(tensor, (None, -1))
        if step is not None and kind == schema.BuiltinOperator.DEQUANTIZE:
            tensor = int(step.Inputs(0))
        its = graph.Tensors(tensor)
        kinds = {schema.TensorType.FLOAT32: "<f4", schema.TensorType.FLOAT16: "<f2"}
        root = schema.Model.GetRootAsModel(content, 0)
        data = root.Buffers(its.Buffer()).DataAsNumpy()
        if its.Type() not in kinds or isinstance(data, int):
            return None
        return np.frombuffer(data.tobytes(), kinds[its.Type()]).reshape(its.ShapeAsNumpy())

    weights, bias = numbers(layer.weights), numbers(layer.bias)
    if weights is None or bias is None:
        return b""
    return weights.T.astype("<f4").tobytes() + bias.astype("<f4").tobytes()


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
