"""`model_features_fp16.tflite`: the vectors before the last layer, to adapt a recogniser in place.

A new last layer on them is learnt from a few pictures where the recogniser runs, and the network
below it stays. The file is the half-precision one cut off there: nothing is converted again, and it
too has one output.
"""

import itertools
from typing import Any

from fingerspell.errors import ExportError
from fingerspell.export.metadata import packed

FILE_NAME = "model_features_fp16.tflite"
OUTPUT = "features"


def with_features(content: bytes) -> bytes:
    """Returns a TFLite recogniser without its last layer: (1, h, w, 3) → features (V, F).

    V views: 1, or with a hand crop 2, the crop and its mirror image. The recogniser's answer is the
    mean of what the last layer and a softmax make of them. Raises `ExportError` for a file that has
    no such layer.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    (graph,) = model.subgraphs
    last = (schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.SOFTMAX)
    steps, kinds = graph.operators, [_kind_of(model, step) for step in graph.operators]
    ends = [i for i, pair in enumerate(itertools.pairwise(kinds)) if pair == last]
    if not ends:
        raise ExportError(
            found="a TFLite file without a dense layer and a softmax at its end",
            expected="a recogniser, whose last layer is one",
            fix="export the model that fingerspell.model builds",
        )
    features, graph.operators = int(steps[ends[-1]].inputs[0]), steps[: ends[-1]]
    graph.outputs = [features]
    for signature in model.signatureDefs or ():
        signature.outputs = signature.outputs[:1]
        signature.outputs[0].name, signature.outputs[0].tensorIndex = OUTPUT.encode(), features
    return packed(model, len(content))


def _kind_of(model: Any, step: Any) -> int:
    code = model.operatorCodes[step.opcodeIndex]
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
