"""A real bundle in milliseconds: a network with known weights that recognises plain colours.

Its answers are known beforehand, so tests of the runtime, the server and the command line need
no training. `tiny_bundle(folder)` copies a bundle that is converted once per test run.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fingerspell.runtime.contract import FILE_NAME, Contract

if TYPE_CHECKING:
    import tensorflow as tf

COLOURS: dict[str, tuple[int, int, int]] = {
    "A": (220, 30, 30),
    "B": (30, 220, 30),
    "C": (30, 30, 220),
    "del": (220, 220, 30),
    "nothing": (10, 10, 10),
    "space": (245, 245, 245),
}
"""Label → the colour that is answered with it; the order is the label order."""

LABELS = tuple(COLOURS)
SIZE_PX = (48, 40)
"""Not square on purpose: height and width must not be mixed up."""


def picture(label: str, size_px: tuple[int, int] = SIZE_PX) -> np.ndarray:
    """Returns uint8 (H, W, 3) RGB in the colour of a label."""
    return np.full((*size_px, 3), COLOURS[label], np.uint8)


def contract(files: dict[str, str]) -> Contract:
    """Returns the contract of the tiny bundle."""
    return Contract(
        labels=LABELS,
        height_px=SIZE_PX[0],
        width_px=SIZE_PX[1],
        threshold=0.7,
        backbone="TinyColours",
        files=files,
    )


def tiny_bundle(folder: Path) -> Path:
    """Fills `folder` with contract and all models; returns it."""
    shutil.copytree(_converted(), folder, dirs_exist_ok=True)
    return folder


LONE = ("model.tflite", "saved_model", "trained_model_graph.pb")
"""The models that `lone_models` writes."""


def lone_models(folder: Path) -> Path:
    """Fills `folder` with the network in three forms and its labels, without a contract."""
    shutil.copytree(_written(), folder, dirs_exist_ok=True)
    return folder


@functools.cache
def _written() -> Path:
    import tensorflow as tf

    folder = Path(tempfile.mkdtemp(prefix="lone-models-"))
    for name in ("model.tflite", "training_set_labels.txt"):
        shutil.copy(_converted() / name, folder)
    module, spec = tf.Module(), tf.TensorSpec([None, *SIZE_PX, 3], tf.float32, name="image")
    module.answer = tf.function(lambda image: {"probabilities": _answers(image)}, [spec])
    tf.saved_model.save(module, str(folder / "saved_model"), signatures=module.answer)
    with tf.Graph().as_default() as graph:
        image = tf.compat.v1.placeholder(tf.float32, spec.shape, name="image")
        tf.identity(_answers(image), name="final_result")
    graph_file = folder / "trained_model_graph.pb"
    graph_file.write_bytes(graph.as_graph_def().SerializeToString())
    return folder


def _answers(image: tf.Tensor) -> tf.Tensor:
    """Returns softmax(-40 |mean colour - prototype|²) for each picture.

    The square expands to a linear function of the mean colour: a 1×1 convolution, then a mean.
    """
    import tensorflow as tf

    prototypes = np.array(list(COLOURS.values()), np.float32) / 255
    weights = tf.constant((80 * prototypes.T)[None, None])
    bias = tf.constant(-40 * (prototypes**2).sum(axis=1))
    scores = tf.nn.conv2d(image, weights, strides=1, padding="SAME") + bias
    return tf.nn.softmax(tf.reduce_mean(scores, axis=[1, 2]))


@functools.cache
def _converted() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tiny-bundle-"))
    for name, model in _models().items():
        (folder / name).write_bytes(model)
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }
    (folder / FILE_NAME).write_text(contract(files).to_json(), encoding="utf-8", newline="\n")
    (folder / "training_set_labels.txt").write_text(
        "".join(f"{label}\n" for label in LABELS), encoding="utf-8", newline="\n"
    )
    return folder


def _models() -> dict[str, bytes]:
    """Converts the network in three precisions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own deprecations
        import tensorflow as tf

        @tf.function(input_signature=[tf.TensorSpec([1, *SIZE_PX, 3], tf.float32)])
        def network(image: tf.Tensor) -> tf.Tensor:
            return _answers(image)

        def converter() -> tf.lite.TFLiteConverter:
            return tf.lite.TFLiteConverter.from_concrete_functions(
                [network.get_concrete_function()]
            )

        half = converter()
        half.optimizations = [tf.lite.Optimize.DEFAULT]
        half.target_spec.supported_types = [tf.float16]
        small = converter()
        small.optimizations = [tf.lite.Optimize.DEFAULT]
        small.representative_dataset = lambda: (
            [picture(label).astype(np.float32)[None] / 255] for label in LABELS
        )
        return {
            "model.tflite": converter().convert(),
            "model_fp16.tflite": (content := half.convert()),
            "model_fast_fp16.tflite": content,
            "model_int8.tflite": small.convert(),
        }
