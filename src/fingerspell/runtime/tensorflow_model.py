"""Runs a SavedModel or a frozen graph with TensorFlow, which is imported when one is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell import backends
from fingerspell.errors import BundleError
from fingerspell.runtime.answer import Batch, Probabilities
from fingerspell.runtime.square import Square

SAVED_MODEL = "saved_model.pb"
"""The file that makes a folder a SavedModel."""

_SIGNATURE = "serving_default"
_IMAGE, _ANSWER = "image:0", "final_result:0"

_Ask = Callable[[Batch], Probabilities]


class TensorFlowNetwork:
    """A network that TensorFlow runs; safe to call from any number of threads.

    Pictures run one by one, so that a picture gets the same answer alone and in a batch.
    """

    def __init__(self, ask: _Ask, image: Any, answer: Any) -> None:
        self._ask = ask
        self.input_shape, self.output_shape = _shape(image), _shape(answer)

    def run(self, batch: Batch) -> Probabilities:
        """Returns the outputs (N, labels) for float32 (N, H, W, 3)."""
        rows = np.empty((len(batch), self.output_shape[-1]), np.float32)
        for index in range(len(batch)):
            rows[index] = self._ask(batch[index : index + 1])[0]
        return rows

    def watch(self, picture: Batch) -> tuple[Probabilities, Square | None]:
        """Returns the output (labels,) for one picture (1, H, W, 3); it knows no hand's square."""
        return self._ask(picture)[0], None


def open_network(path: Path) -> TensorFlowNetwork:
    """Opens a SavedModel folder (signature `serving_default`: one input, one output) or a frozen
    graph (`image:0` to `final_result:0`).

    Raises `BundleError` without TensorFlow, and for a model that it cannot load or has other ends.
    """
    if not backends.is_installed(backends.EXPORTER):
        raise BundleError(
            found=f"{path}, and no TensorFlow",
            expected="TensorFlow, which alone runs a SavedModel or a frozen graph",
            fix=f"{backends.install_backend(backends.EXPORTER)}, or take the TFLite file",
        )
    import tensorflow as tf

    try:
        return _saved_model(tf, path) if path.is_dir() else _frozen_graph(tf, path)
    except Exception as error:  # TensorFlow, protobuf and Python each have errors of their own.
        raise BundleError(
            found=f"{path}, which TensorFlow cannot use ({(str(error).splitlines() or [''])[0]})",
            expected=f"float32 pictures to probabilities: the signature {_SIGNATURE} of a "
            f"SavedModel, or {_IMAGE} to {_ANSWER} of a frozen graph",
            fix="copy it again as a whole, or export the run folder again",
        ) from error


def _saved_model(tf: Any, folder: Path) -> TensorFlowNetwork:
    loaded = tf.saved_model.load(str(folder))
    signature = loaded.signatures[_SIGNATURE]
    ((name, image),) = signature.structured_input_signature[1].items()
    ((answer, probabilities),) = signature.structured_outputs.items()

    def ask(pictures: Batch, _owner: Any = loaded) -> Probabilities:
        # The signature lives no longer than what it was loaded with.
        rows: Probabilities = signature(**{name: tf.constant(pictures)})[answer].numpy()
        return rows

    return TensorFlowNetwork(ask, image, probabilities)


def _frozen_graph(tf: Any, file: Path) -> TensorFlowNetwork:
    content = tf.compat.v1.GraphDef()
    content.ParseFromString(file.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(content, name="")
    image, answer = (graph.get_tensor_by_name(name) for name in (_IMAGE, _ANSWER))
    session = tf.compat.v1.Session(graph=graph)

    def ask(pictures: Batch) -> Probabilities:
        rows: Probabilities = session.run(answer, {image: pictures})
        return rows

    return TensorFlowNetwork(ask, image, answer)


def _shape(tensor: Any) -> tuple[int, ...]:
    """Returns the shape for one picture, 0 for a side that is not fixed."""
    if tensor.dtype.name != "float32":
        raise ValueError(f"{tensor.dtype.name} where float32 should be")
    first, *sides = tensor.shape.as_list()
    return (1 if first is None else first, *(side or 0 for side in sides))
