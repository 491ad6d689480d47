"""Reads where the hand is: makes its square an output of a TFLite model, in memory."""

import math
import struct
from collections.abc import Iterable
from typing import Any

Square = tuple[float, float, float]
"""x and y of a hand's middle and the side of its square, as shares of the picture padded to the
network's aspect ratio."""

_OUTPUTS_SLOT = 8
"""Of a subgraph's table: field 2, after the two numbers that begin every table."""


def with_square(model: bytes) -> bytes:
    """Returns a model with x, y and side of the hand as outputs after its own.

    A model without a hand crop comes back as it is. Files keep their one output, the answer, as
    phones and MediaPipe expect.
    """
    found = square_tensors(model)
    return with_outputs(model, found) if found else model


def square_tensors(model: bytes) -> tuple[int, ...]:
    """Returns the tensors of x, y and side of the hand, empty for a model without a hand crop.

    In the graph of `fingerspell.model.hand_crop` the only single numbers of which a minimum is
    taken are side, y and x of the crop, in this order; y and x are those of the hand, moved into
    the picture. The only square root is the side of the hand.
    """
    from ai_edge_litert import schema_py_generated as schema

    graph, steps = graph_of(model)
    made = {step.Outputs(0): (step, kind) for step, kind in steps}

    def numbers(kind: int) -> list[int]:
        found = [i for i, (_, its) in made.items() if its == kind]
        return [i for i in found if math.prod(graph.Tensors(i).ShapeAsNumpy().tolist()) == 1]

    crop = numbers(schema.BuiltinOperator.MINIMUM)
    sides = numbers(schema.BuiltinOperator.SQRT)
    if len(crop) != 3 or len(sides) != 1:
        return ()
    # minimum(maximum(y, half a side), 1 - half a side)
    y, x = (made[made[moved][0].Inputs(0)][0].Inputs(0) for moved in crop[1:])
    return (int(x), int(y), sides[0])


def graph_of(model: bytes) -> tuple[Any, list[tuple[Any, int]]]:
    """Returns a model's graph, and its operators, each with the number of its kind."""
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAsModel(model, 0)
    graph, codes = root.Subgraphs(0), list[int]()
    for i in range(root.OperatorCodesLength()):
        code = root.OperatorCodes(i)
        codes.append(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))
    steps = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    return graph, [(step, codes[step.OpcodeIndex()]) for step in steps]


def with_outputs(model: bytes, more: Iterable[int]) -> bytes:
    """Returns a model with further tensors as outputs after its own."""
    graph, _ = graph_of(model)
    data, outputs = bytearray(model), [*graph.OutputsAsNumpy().tolist(), *more]
    place = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_SLOT)
    data += bytes(-len(data) % 4)
    struct.pack_into("<I", data, place, len(data) - place)  # Where the longer list begins.
    return bytes(data + struct.pack(f"<{1 + len(outputs)}I", len(outputs), *outputs))
