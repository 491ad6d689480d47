"""Reads where a recogniser sees the hand: three more outputs of a TFLite model with a hand crop."""

import math
import struct
from typing import Any

Hand = tuple[float, float, float]
"""x and y of the hand's middle, and the side of its square: shares of the picture padded to the
network's aspect ratio. Where there is no hand the side is near 0."""

_OUTPUTS_SLOT = 8
"""Of a subgraph's table: field 2, after the two numbers that begin every table."""


def with_hand(model: bytes) -> bytes:
    """Returns a model with side, y and x of the hand as outputs after its own, in memory.

    A model without a hand crop comes back as it is. Files keep their one output, the answer, as
    phones and MediaPipe expect.
    """
    from ai_edge_litert import schema_py_generated as schema

    data = bytearray(model)
    graph = (root := schema.Model.GetRootAsModel(data, 0)).Subgraphs(0)
    hand = _hand_tensors(root, graph, schema.BuiltinOperator)
    if hand is None:
        return model
    outputs = [*graph.OutputsAsNumpy().tolist(), *hand]
    place = graph._tab.Pos + graph._tab.Offset(_OUTPUTS_SLOT)
    data += bytes(-len(data) % 4)
    struct.pack_into("<I", data, place, len(data) - place)  # Where the longer list begins.
    return bytes(data + struct.pack(f"<{1 + len(outputs)}I", len(outputs), *outputs))


def _hand_tensors(root: Any, graph: Any, names: Any) -> tuple[int, int, int] | None:
    """Returns the tensors of side, y and x in a graph of `fingerspell.model.hand_crop`.

    The side is its one square root. The middles are the quotients that are kept from an edge by a
    maximum; y is used first. None where the graph is another.
    """
    kinds = [root.OperatorCodes(i).BuiltinCode() for i in range(root.OperatorCodesLength())]
    steps = [graph.Operators(i) for i in range(graph.OperatorsLength())]

    def one_number(tensor: int) -> bool:
        return math.prod(graph.Tensors(tensor).ShapeAsNumpy().tolist()) == 1

    def made_by(kind: int) -> list[Any]:
        of_kind = (step for step in steps if kinds[step.OpcodeIndex()] == kind)
        return [step for step in of_kind if one_number(step.Outputs(0))]

    quotients = {step.Outputs(0) for step in made_by(names.DIV)}
    bounded = [step.Inputs(i) for step in made_by(names.MAXIMUM) for i in range(2)]
    sides = [step.Outputs(0) for step in made_by(names.SQRT)]
    found = (*sides, *(tensor for tensor in bounded if tensor in quotients))
    return (found[0], found[1], found[2]) if len(found) == 3 else None
