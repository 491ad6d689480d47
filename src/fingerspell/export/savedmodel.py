"""`saved_model/`: two signatures, pixels and JPEG bytes, loadable with `tf.saved_model.load`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fingerspell.export import graph_fit
from fingerspell.export.network import function_of, owner_of, size_of

FOLDER = "saved_model"
PIXELS = "serving_default"
JPEG = "jpeg"


def write_saved_model(model: Any, output_dir: Path) -> Path:
    """Writes `saved_model/` and returns its path.

    `serving_default`  image: float32 (N, h, w, 3) in [0, 1]      → probabilities: float32 (N, C)
    `jpeg`             jpeg: string, one or a batch of any length → probabilities: float32 (N, C)

    The loaded object is also callable with a batch of pixels.
    """
    import tensorflow as tf

    path = output_dir / FOLDER
    module = _module(model)
    signatures = {PIXELS: module.pixels, JPEG: module.jpeg}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def _module(model: Any) -> Any:
    """Returns a tf.Module that owns the model's variables and both signatures."""
    import tensorflow as tf

    size_px = size_of(model)
    network = function_of(model)
    pixel_spec = tf.TensorSpec((None, *size_px, 3), tf.float32, name="image")
    fitted_spec = tf.TensorSpec((*size_px, 3), tf.float32)

    def pixels(image: Any) -> dict[str, Any]:
        return {"probabilities": network(image)}

    def jpeg(jpeg: Any) -> dict[str, Any]:
        fitted = tf.map_fn(
            lambda one: graph_fit.picture(one, size_px),
            tf.reshape(jpeg, [-1]),
            fn_output_signature=fitted_spec,
        )
        return {"probabilities": network(fitted)}

    module = owner_of(model)
    module.pixels = tf.function(pixels, autograph=False, input_signature=[pixel_spec])
    module.jpeg = tf.function(
        jpeg, autograph=False, input_signature=[tf.TensorSpec(None, tf.string, name="jpeg")]
    )
    module.__call__ = network
    return module
