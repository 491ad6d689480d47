"""Asks each written export the way its users do: JPEG bytes in, probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import images
from fingerspell.export import frozen, savedmodel, tflite
from fingerspell.export.parity import Answers

BATCH = 32


def fitted(jpegs: Sequence[bytes], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Returns the network input (N, h, w, 3) of JPEG bytes, as every caller computes it."""
    return np.stack([images.load(jpeg, size_px) for jpeg in jpegs])


def of_keras(model: Any, size_px: tuple[int, int]) -> Answers:
    """Returns the trained model itself: the reference."""
    return lambda jpegs: model.predict(fitted(jpegs, size_px), batch_size=BATCH, verbose=0)


def of_saved_model_pixels(folder: Path, size_px: tuple[int, int]) -> Answers:
    """Returns the SavedModel's `serving_default` signature, fed with pixels."""
    loaded = _load(folder)
    signature = loaded.signatures[savedmodel.PIXELS]

    def ask(batch: Any) -> Any:
        return signature(image=batch)["probabilities"].numpy()

    # The signature lives no longer than what it was loaded with.
    return lambda jpegs, _owner=loaded: _batched(ask, fitted(jpegs, size_px))  # type: ignore[misc]


def of_saved_model_jpeg(folder: Path) -> Answers:
    """Returns the SavedModel's `jpeg` signature, fed with whole batches of bytes."""
    import tensorflow as tf

    loaded = _load(folder)
    signature = loaded.signatures[savedmodel.JPEG]

    def ask(batch: Any) -> Any:
        return signature(jpeg=tf.constant(list(batch)))["probabilities"].numpy()

    return lambda jpegs, _owner=loaded: _batched(ask, jpegs)  # type: ignore[misc]


def of_frozen_pixels(path: Path, size_px: tuple[int, int]) -> Answers:
    """Returns the frozen graph fed at `image:0`."""
    session = _session(path)
    feed, fetch = f"{frozen.PIXELS}:0", f"{frozen.ANSWER}:0"
    return lambda jpegs: _batched(
        lambda batch: session.run(fetch, {feed: batch}), fitted(jpegs, size_px)
    )


def of_frozen_jpeg(path: Path) -> Answers:
    """Returns the frozen graph fed at `DecodeJpeg/contents:0`, one picture at a time."""
    session = _session(path)
    feed, fetch = f"{frozen.JPEG}:0", f"{frozen.ANSWER}:0"
    return lambda jpegs: np.concatenate([session.run(fetch, {feed: jpeg}) for jpeg in jpegs])


def of_tflite(path: Path, size_px: tuple[int, int]) -> Answers:
    """Returns a TFLite file run by LiteRT, without Flex."""
    content = path.read_bytes()  # Not mapped: Windows cannot move a file that is mapped.
    return lambda jpegs: tflite.probabilities(content, fitted(jpegs, size_px))


def _batched(ask: Any, inputs: Sequence[Any] | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([ask(inputs[i : i + BATCH]) for i in range(0, len(inputs), BATCH)])


def _load(folder: Path) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def _session(path: Path) -> Any:
    """Returns a TensorFlow 1 session over the frozen graph, names unchanged."""
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(graph_def, name="")
    return tf.compat.v1.Session(graph=graph)
