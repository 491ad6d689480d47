"""TensorFlow exports: `saved_model/` and the frozen graph, both with decoding and resizing inside.

Both take pixels or JPEG bytes. A JPEG is decoded, padded and resized by TensorFlow operations that
give the same values as `fingerspell.images`. EXIF orientation is ignored inside a graph.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from fingerspell import backends
from fingerspell.errors import ExportError

FOLDER = "saved_model"
PIXELS_SIGNATURE = "serving_default"
BYTES_SIGNATURE = "serving_bytes"
FILE_NAME = "trained_model_graph.pb"
JPEG_TENSOR = "DecodeJpeg/contents"
PIXELS_TENSOR = "image"
ANSWER = "final_result"

_SLIVER = 1e-3
"""OpenCV's INTER_AREA leaves out a pixel of which less than this share is covered."""


def require_tensorflow() -> None:
    """Raises `ExportError` unless Keras runs on TensorFlow, which alone writes these files."""
    import keras

    backend = keras.backend.backend()
    if backend != backends.EXPORTER:
        there = backends.is_installed(backends.EXPORTER)
        install = "" if there else f"{backends.install_backend(backends.EXPORTER)}, then "
        raise ExportError(
            found=f"Keras running on {backend}",
            expected="TensorFlow, which writes SavedModel, frozen graph and TFLite",
            fix=f"{install}start again with {backends.VARIABLE}={backends.EXPORTER}",
        )


def write_saved_model(model: Any, output_dir: Path) -> Path:
    """Writes `saved_model/` and returns its path.

    `serving_default`  image: float32 (N, h, w, 3) in [0, 1]             → probabilities (N, C)
    `serving_bytes`    image_bytes: string, one or a batch of any length → probabilities (N, C)

    Bytes are those of JPEG or PNG files; probabilities are float32.

    The loaded object is also callable with a batch of pixels.
    """
    import tensorflow as tf

    path = output_dir / FOLDER
    module = _module(model)
    signatures = {PIXELS_SIGNATURE: module.pixels, BYTES_SIGNATURE: module.encoded}
    tf.saved_model.save(module, str(path), signatures=signatures)
    return path


def write_frozen_graph(model: Any, output_dir: Path) -> Path:
    """Writes the frozen graph and returns its path.

    `DecodeJpeg/contents:0`  string, one JPEG                     → `final_result:0` (1, C)
    `image:0`                float32 (N, h, w, 3) in [0, 1]       → `final_result:0` (N, C)

    Feeding `image:0` cuts the graph above it: no JPEG is then asked for or decoded.
    """
    path = output_dir / FILE_NAME
    path.write_bytes(_named_graph(frozen_network(model), size_of(model)).SerializeToString())
    return path


def size_of(model: Any) -> tuple[int, int]:
    """Returns (height, width) in pixels; raises `ExportError` where the input is another shape."""
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[3] != 3 or None in shape[1:3]:
        raise ExportError(
            found=f"a model with input shape {shape}",
            expected="(None, height, width, 3) with height and width fixed",
            fix="build the model with fingerspell.model",
        )
    return int(shape[1]), int(shape[2])


@lru_cache(maxsize=1)  # Every export of a model begins with it, and tracing takes seconds.
def function_of(model: Any, pictures: int | None = None) -> Any:
    """Returns the model in inference mode as a tf.function: image (N, h, w, 3) → (N, C).

    `pictures` fixes N.
    """
    import tensorflow as tf

    spec = tf.TensorSpec((pictures, *size_of(model), 3), tf.float32, name="image")
    return tf.function(
        lambda image: model(image, training=False), autograph=False, input_signature=[spec]
    )


def _picture(jpeg: Any, size_px: tuple[int, int]) -> Any:
    """Returns the network input, float32 (h, w, 3) in [0, 1], of one JPEG (scalar string)."""
    import tensorflow as tf

    return _fit(tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE"), size_px)


def _fit(rgb: Any, size_px: tuple[int, int]) -> Any:
    """Returns float32 (h, w, 3) in [0, 1] of uint8 (H, W, 3), as `images.fit` does.

    Padded with black to the aspect ratio (the odd pixel goes below and to the right), then
    area-averaged where a side shrinks and bilinear where both grow.
    """
    import tensorflow as tf

    height, width = size_px
    shape = tf.shape(rgb)
    tall = _padded_side(shape[0], shape[1], height / width)
    wide = _padded_side(shape[1], shape[0], width / height)
    shrink = tf.logical_or(tall > height, wide > width)
    rows = _side_weights(tall, shape[0], height, shrink)
    columns = _side_weights(wide, shape[1], width, shrink)
    pixels = tf.cast(rgb, tf.float32) / 255.0
    fitted = tf.einsum("wc,hcd->hwd", columns, tf.einsum("hr,rcd->hcd", rows, pixels))
    # Sums of rounded weights may leave the range by 1e-7.
    return tf.ensure_shape(tf.clip_by_value(fitted, 0.0, 1.0), (height, width, 3))


def _side_weights(padded: Any, present: Any, target: int, shrink: Any) -> Any:
    """Returns float32 (target, present): resize weights of one side, its black border left out."""
    import tensorflow as tf

    # Both are a few kilobytes: choosing by value keeps control flow out of the frozen graph.
    weights = tf.where(shrink, _area_weights(padded, target), _bilinear_weights(padded, target))
    before = (padded - present) // 2
    return tf.cast(weights[:, before : before + present], tf.float32)


def _padded_side(side: Any, other: Any, ratio: float) -> Any:
    """Returns the length (int32) that `side` is padded to: `max(side, round(other * ratio))`.

    `ratio` is wanted side / wanted other side; halves round to even, as in Python.
    """
    import tensorflow as tf

    wanted = tf.cast(tf.round(tf.cast(other, tf.float64) * ratio), tf.int32)
    return tf.maximum(side, wanted)


def _area_weights(source: Any, target: int) -> Any:
    """Returns float64 (target, source): the share of each source pixel in each target pixel.

    weight(i, j) = |[i s, (i + 1) s] with [j, j + 1]| / s,   s = source / target
    """
    import tensorflow as tf

    scale = tf.cast(source, tf.float64) / target
    start = tf.range(target, dtype=tf.float64)[:, None] * scale
    pixel = tf.cast(tf.range(source), tf.float64)[None, :]
    covered = tf.minimum(start + scale, pixel + 1) - tf.maximum(start, pixel)
    return tf.where(covered > _SLIVER, covered, tf.zeros_like(covered)) / scale


def _bilinear_weights(source: Any, target: int) -> Any:
    """Returns float64 (target, source): half-pixel centres, the border pixel repeated.

    weight(i, j) = max(0, 1 - |clip((i + 1/2) s - 1/2, 0, source - 1) - j|),   s = source / target
    """
    import tensorflow as tf

    length = tf.cast(source, tf.float64)
    centre = (tf.range(target, dtype=tf.float64) + 0.5) * (length / target) - 0.5
    centre = tf.clip_by_value(centre, 0.0, length - 1)
    pixel = tf.cast(tf.range(source), tf.float64)
    return tf.nn.relu(1 - tf.abs(centre[:, None] - pixel[None, :]))


def _module(model: Any) -> Any:
    """Returns a tf.Module that owns the model's variables, or a saved function would not find them,
    and both signatures."""
    import tensorflow as tf

    size_px = size_of(model)
    network = function_of(model)
    pixel_spec = tf.TensorSpec((None, *size_px, 3), tf.float32, name="image")
    fitted_spec = tf.TensorSpec((*size_px, 3), tf.float32)

    def pixels(image: Any) -> dict[str, Any]:
        return {"probabilities": network(image)}

    def encoded(image_bytes: Any) -> dict[str, Any]:
        fitted = tf.map_fn(
            lambda one: _picture(one, size_px),
            tf.reshape(image_bytes, [-1]),
            fn_output_signature=fitted_spec,
        )
        return {"probabilities": network(fitted)}

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.pixels = tf.function(pixels, autograph=False, input_signature=[pixel_spec])
    bytes_spec = tf.TensorSpec(None, tf.string, name="image_bytes")
    module.encoded = tf.function(encoded, autograph=False, input_signature=[bytes_spec])
    module.__call__ = network
    return module


@lru_cache(maxsize=1)  # Saving variables, which a constant spares, takes most of a conversion.
def frozen_of(model: Any, pictures: int | None = None) -> Any:
    """Returns `function_of` as a concrete function whose weights are constants."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    return convert_variables_to_constants_v2(function_of(model, pictures).get_concrete_function())


def frozen_network(model: Any) -> tuple[Any, str, str]:
    """Returns the network as a GraphDef without variables, and the names of its input and output.

    Pixels in, probabilities out; N pictures.
    """
    frozen = frozen_of(model)
    return frozen.graph.as_graph_def(), frozen.inputs[0].name, frozen.outputs[0].name


def _named_graph(constants: Any, size_px: tuple[int, int]) -> Any:
    """Returns decode → fit → `image` → network → `final_result` as one GraphDef."""
    import tensorflow as tf

    network, entry, answer = constants
    with tf.Graph().as_default() as graph:
        jpeg = tf.compat.v1.placeholder(tf.string, shape=(), name=JPEG_TENSOR)
        fitted = _picture(jpeg, size_px)[None]
        # An output that may also be fed, with any number of pictures.
        image = tf.compat.v1.placeholder_with_default(
            fitted, (None, *size_px, 3), name=PIXELS_TENSOR
        )
        (result,) = tf.graph_util.import_graph_def(
            network, input_map={entry: image}, return_elements=[answer], name="network"
        )
        tf.identity(result, name=ANSWER)
        return graph.as_graph_def()
