"""Reads where a hand crop was cut: makes its square an output of a TFLite model, in memory."""

import math
import struct

Square = tuple[float, float, float]
"""x and y of a square's middle and its side, as shares of the picture padded to the network's
aspect ratio."""

_OUTPUTS_SLOT = 8
"""Of a subgraph's table: field 2, after the two numbers that begin every table."""


def with_square(model: bytes) -> bytes:
    """Returns a model with side, y and x of its hand crop as outputs after its own.

    A model without a hand crop comes back as it is. Files keep their one output, the answer, as
    phones and MediaPipe expect. The three are the only single numbers of which the graph of
    `fingerspell.model.hand_crop` takes a minimum, in the order of their use.
    """
    from ai_edge_litert import schema_py_generated as schema

    data = bytearray(model)
    root = schema.Model.GetRootAsModel(data, 0)
    graph = root.Subgraphs(0)
    minimum = schema.BuiltinOperator.MINIMUM
    codes = [root.OperatorCodes(i).BuiltinCode() for i in range(root.OperatorCodesLength())]
    steps = (graph.Operators(i) for i in range(graph.OperatorsLength()))
    found = [step.Outputs(0) for step in steps if codes[step.OpcodeIndex()] == minimum]
    square = [i for i in found if math.prod(graph.Tensors(i).ShapeAsNumpy().tolist()) == 1]
    if len(square) != 3:
        return model
    outputs = [*graph.OutputsAsNumpy().tolist(), *square]
    place = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_SLOT)
    data += bytes(-len(data) % 4)
    struct.pack_into("<I", data, place, len(data) - place)  # Where the longer list begins.
    return bytes(data + struct.pack(f"<{1 + len(outputs)}I", len(outputs), *outputs))
