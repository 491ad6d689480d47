"""`trained_model_graph.pb`: one frozen graph with the tensor names of the old server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fingerspell.export import graph_fit
from fingerspell.export.network import function_of, size_of

FILE_NAME = "trained_model_graph.pb"
JPEG = "DecodeJpeg/contents"
PIXELS = "image"
ANSWER = "final_result"


def write_frozen_graph(model: Any, output_dir: Path) -> Path:
    """Writes the frozen graph and returns its path.

    `DecodeJpeg/contents:0`  string, one JPEG                     → `final_result:0` (1, C)
    `image:0`                float32 (N, h, w, 3) in [0, 1]       → `final_result:0` (N, C)

    Feeding `image:0` cuts the graph above it: no JPEG is then asked for or decoded.
    """
    path = output_dir / FILE_NAME
    path.write_bytes(_named_graph(_constants(model), size_of(model)).SerializeToString())
    return path


def _constants(model: Any) -> Any:
    """Returns the network as a GraphDef without variables, `image` in and its first output out."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2_as_graph,
    )

    frozen, graph_def = convert_variables_to_constants_v2_as_graph(
        function_of(model).get_concrete_function()
    )
    return graph_def, frozen.inputs[0].name, frozen.outputs[0].name


def _named_graph(constants: Any, size_px: tuple[int, int]) -> Any:
    """Returns decode → fit → `image` → network → `final_result` as one GraphDef."""
    import tensorflow as tf

    network, entry, answer = constants
    with tf.Graph().as_default() as graph:
        jpeg = tf.compat.v1.placeholder(tf.string, shape=(), name=JPEG)
        fitted = graph_fit.picture(jpeg, size_px)[None]
        # An output that may also be fed, with any number of pictures.
        image = tf.compat.v1.placeholder_with_default(fitted, (None, *size_px, 3), name=PIXELS)
        (result,) = tf.graph_util.import_graph_def(
            network, input_map={entry: image}, return_elements=[answer], name="network"
        )
        tf.identity(result, name=ANSWER)
        return graph.as_graph_def()
