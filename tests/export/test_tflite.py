"""TFLite files load anywhere, and say by themselves what they want."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell.config import ModelConfig
from fingerspell.errors import ExportError
from fingerspell.export import tflite
from fingerspell.model import build_recogniser, rebuild_in_float32
from helpers.exports import SIZE_PX, fitted, recogniser


@pytest.fixture(params=tflite.FILES.values())
def interpreter(exported, request):
    from ai_edge_litert.interpreter import Interpreter

    content = (exported.folder / request.param).read_bytes()
    ready = Interpreter(model_content=content, num_threads=1)
    ready.allocate_tensors()
    return ready


def test_float32_goes_in_and_comes_out_in_every_precision(interpreter):
    entry, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert (tuple(entry["shape"]), entry["dtype"]) == ((1, *SIZE_PX, 3), np.float32)
    assert (tuple(answer["shape"]), answer["dtype"]) == ((1, 4), np.float32)


def test_a_batch_of_several_pictures_can_be_asked_for(interpreter):
    entry, answer = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    interpreter.resize_tensor_input(entry, (5, *SIZE_PX, 3))
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, fitted()[:5])
    interpreter.invoke()
    rows = interpreter.get_tensor(answer)
    assert rows.shape == (5, 4)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=0.02)


def test_the_smaller_files_are_smaller(exported):
    float32, fp16, small = (
        (exported.folder / name).stat().st_size for name in tflite.FILES.values()
    )
    assert fp16 < 0.6 * float32
    assert small < 0.4 * float32


def test_flex_operations_are_refused():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((3, 3), tf.float32)])
    def needs_flex(x):
        return tf.linalg.det(x)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [needs_flex.get_concrete_function()], tf.Module()
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    content = converter.convert()
    assert tflite._custom_ops(content) == ("FlexMatrixDeterminant",)
    with pytest.raises(ExportError, match="FlexMatrixDeterminant"):
        tflite.require_builtin(content)


def test_a_network_that_the_builtin_set_cannot_express_is_refused():
    import keras

    image = keras.Input((*SIZE_PX, 3))
    grey = keras.ops.mean(image, axis=-1)
    model = keras.Model(image, keras.ops.linalg.det(grey))
    with pytest.raises(ExportError, match="cannot be converted"):
        tflite.convert(model, "float32")


def test_a_mixed_float16_model_converts_without_flex_and_answers_in_float32():
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = build_recogniser(
            ModelConfig(backbone="MobileNetV3Small", image_size_px=SIZE_PX), classes=4
        )
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(recogniser().get_weights())
    content = tflite.convert(rebuild_in_float32(half), "float32")
    found = tflite.probabilities(content, fitted()[:5])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, recogniser().predict(fitted()[:5], verbose=0), atol=1e-4)


def test_int8_falls_back_to_eight_bit_weights_where_activations_do_not_bear_it(monkeypatch):
    asked = []

    def convert(_model, _precision, representative=()):
        asked.append(len(representative))
        return b"full" if representative else b"weights"

    good, bad = np.eye(4, dtype=np.float32), np.roll(np.eye(4, dtype=np.float32), 1, axis=1)
    monkeypatch.setattr(tflite, "convert", convert)
    monkeypatch.setattr(
        tflite, "probabilities", lambda content, _x: bad if content == b"full" else good
    )
    made = tflite.convert_int8(object(), list(fitted(20)), b"float32", fitted(8))
    assert (made.content, made.inside, made.full_agreement) == (b"weights", "weights", 0.0)
    assert asked == [20, 0]


def test_pictures_that_set_the_ranges_do_not_judge_them(monkeypatch):
    asked = []

    def probabilities(_content, pictures):
        asked.append(len(pictures))
        return np.eye(4, dtype=np.float32)

    monkeypatch.setattr(tflite, "convert", lambda *_: b"full")
    monkeypatch.setattr(tflite, "probabilities", probabilities)
    tflite.convert_int8(object(), list(fitted(20)), b"float32", fitted(8))
    assert set(asked) == {8}


def test_int8_falls_back_where_the_eight_bit_network_does_not_load(monkeypatch):
    def probabilities(content, _pictures):
        if content == b"full":
            raise RuntimeError("HARD_SWISH failed to prepare")
        return np.eye(4, dtype=np.float32)

    monkeypatch.setattr(tflite, "convert", lambda *a: b"full" if len(a) == 3 else b"weights")
    monkeypatch.setattr(tflite, "probabilities", probabilities)
    made = tflite.convert_int8(object(), list(fitted(20)), b"float32", fitted(8))
    assert (made.inside, made.full_agreement) == ("weights", None)
