"""`model_features_fp16.tflite`: the vectors before the last layer, to adapt a recogniser in place.

A new last layer on them is learnt from a few pictures where the recogniser runs, and the network
below it stays. The file is the half-precision one cut off there: nothing is converted again, and it
too has one output.
"""

from fingerspell.errors import ExportError
from fingerspell.export.metadata import packed
from fingerspell.runtime.page_model import last_layer

FILE_NAME = "model_features_fp16.tflite"
OUTPUT = "features"


def with_features(content: bytes) -> bytes:
    """Returns a TFLite recogniser without its last layer: (1, h, w, 3) → features (V, F).

    V views: 1, or with a hand crop 2, the crop and its mirror image. The recogniser's answer is the
    mean of what the last layer and a softmax make of them. Raises `ExportError` for a file that has
    no such layer.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    layer = last_layer(content)
    if layer is None:
        raise ExportError(
            found="a TFLite file without a dense layer and a softmax at its end",
            expected="a recogniser, whose last layer is one",
            fix="export the model that fingerspell.model builds",
        )
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    (graph,) = model.subgraphs
    graph.operators, graph.outputs = graph.operators[: layer.step], [layer.features]
    for signature in model.signatureDefs or ():
        signature.outputs = signature.outputs[:1]
        output = signature.outputs[0]
        output.name, output.tensorIndex = OUTPUT.encode(), layer.features
    return packed(model, len(content))
