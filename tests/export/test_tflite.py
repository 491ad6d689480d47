"""TFLite files load anywhere, and say by themselves what they want."""

import zipfile
from dataclasses import replace

import flatbuffers
import numpy as np
import pytest
from flatbuffers import number_types as types

from fingerspell.config import ModelConfig
from fingerspell.errors import ExportError
from fingerspell.export import metadata, tflite
from fingerspell.model import build_recogniser, rebuild_in_float32
from helpers.exports import BUILD, HEAVY, LABELS, SIZE_PX, fitted, tiny_recogniser


@pytest.fixture(params=tflite.FILES.values())
def path(exported, request):
    return exported.folder / request.param


@pytest.fixture
def interpreter(path):
    from ai_edge_litert.interpreter import Interpreter

    ready = Interpreter(model_content=path.read_bytes(), num_threads=1)
    ready.allocate_tensors()
    return ready


def test_float32_goes_in_and_comes_out_in_every_precision(interpreter):
    entry, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert (tuple(entry["shape"]), entry["dtype"]) == ((1, *SIZE_PX, 3), np.float32)
    assert (tuple(answer["shape"]), answer["dtype"]) == ((1, 4), np.float32)


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
    sets = tf.lite.OpsSet
    converter.target_spec.supported_ops = [sets.TFLITE_BUILTINS, sets.SELECT_TF_OPS]
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


def test_a_mixed_float16_model_converts_without_flex_and_answers_in_float32(monkeypatch):
    import keras

    monkeypatch.setattr(BUILD, HEAVY)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = build_recogniser(
            ModelConfig(backbone="MobileNetV3Small", image_size_px=SIZE_PX), classes=4
        )
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(tiny_recogniser().get_weights())
    content = tflite.convert(rebuild_in_float32(half), "float32")
    found = tflite.probabilities(content, fitted()[:5])
    assert found.dtype == np.float32
    expected = tiny_recogniser().predict(fitted()[:5], verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


RIGHT = np.eye(4, dtype=np.float32)


def does_not_load():
    raise RuntimeError("HARD_SWISH failed to prepare")


@pytest.mark.parametrize(
    ("full", "runtime", "inside", "agreement"),
    [
        (lambda: RIGHT, "2.12.0", "weights and activations", 1.0),
        (lambda: np.roll(RIGHT, 1, axis=1), "2.4.0", "weights", 0.0),
        (does_not_load, "1.15.0", "weights", None),
        (lambda: RIGHT, "2.13.0", "weights", None),
    ],
)
def test_int8_falls_back_to_eight_bit_weights(monkeypatch, full, runtime, inside, agreement):
    """Where eight-bit activations answer otherwise or do not load, here or on older phones."""
    asked, judged = [], []

    def convert(_model, _precision, representative=()):
        asked.append(len(representative))
        return b"full" if representative else b"weights"

    def probabilities(content, pictures):
        judged.append(len(pictures))
        return full() if content == b"full" else RIGHT

    monkeypatch.setattr(tflite, "convert", convert)
    monkeypatch.setattr(tflite, "probabilities", probabilities)
    monkeypatch.setattr(tflite, "least_runtime", lambda _: runtime)
    made = tflite.convert_int8(object(), list(fitted(20)), b"float32", fitted(8))
    assert (made.inside, made.full_agreement) == (inside, agreement)
    assert made.content == (b"full" if agreement else b"weights")
    assert asked == ([20] if agreement else [20, 0])
    assert set(judged) <= {8}, "pictures that set the ranges do not judge them"
    made = tflite.convert_int8(object(), list(fitted(19)), b"float32", fitted(8))
    assert (made.content, made.inside, made.full_agreement) == (b"weights", "weights", None)
    assert asked[-1] == 0, "19 pictures set no ranges"


def test_labels_and_contract_read_back_and_any_zip_program_lists_them(exported, path):
    labels, contract = metadata.read_metadata(path)
    assert labels == LABELS
    assert contract == replace(exported.contract, files={})
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        assert file.namelist() == ["labels.txt", "recogniser.json"]


def test_the_same_model_gives_the_same_bytes(path, contract):
    content = path.read_bytes()
    once = metadata.with_metadata(content, contract)
    assert once == metadata.with_metadata(content, contract)


def test_the_metadata_buffer_names_labels_size_and_scale(path, contract):
    buffer = metadata_buffer(path.read_bytes())
    assert buffer[4:8] == b"M001"
    root = Table(buffer, flatbuffers.encode.Get(flatbuffers.packer.uoffset, buffer, 0))
    graph = root.table_in(3)
    image, answer = graph.table_in(2), graph.table_in(3)
    size = image.table(3).table(1).table(1)
    assert (size.number(0, types.Uint32Flags), size.number(1, types.Uint32Flags)) == (
        contract.width_px,
        contract.height_px,
    )
    scale = image.table_in(4).table(1)
    assert (scale.floats(0), scale.floats(1)) == ([0.0], [255.0])
    assert answer.table_in(6).text(0) == "labels.txt"
    assert answer.table_in(6).number(2, types.Int8Flags) == 2


def test_weights_stand_on_sixteen_byte_borders(path):
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(bytearray(path.read_bytes()), 0)
    bulk = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [b._tab.Vector(b._tab.Offset(4)) for b in bulk if b.DataLength() >= 16]
    assert starts
    assert all(start % 16 == 0 for start in starts)


def test_a_file_without_them_is_refused(tmp_path):
    (tmp_path / "bare.tflite").write_bytes(b"TFL3")
    with pytest.raises(ExportError, match=r"bare\.tflite without labels"):
        metadata.read_metadata(tmp_path / "bare.tflite")


def metadata_buffer(content):
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    (entry,) = [e for e in model.metadata if e.name == b"TFLITE_METADATA"]
    return bytes(model.buffers[entry.buffer].data)


class Table:
    """Reads a FlatBuffer table by slot number."""

    def __init__(self, buffer, position):
        self._raw = flatbuffers.table.Table(buffer, position)

    def _at(self, slot):
        offset = self._raw.Offset(4 + 2 * slot)
        assert offset, f"slot {slot} is empty"
        return offset

    def table(self, slot):
        return Table(self._raw.Bytes, self._raw.Indirect(self._raw.Pos + self._at(slot)))

    def table_in(self, slot):
        return Table(self._raw.Bytes, self._raw.Indirect(self._raw.Vector(self._at(slot))))

    def text(self, slot):
        return self._raw.String(self._raw.Pos + self._at(slot)).decode()

    def number(self, slot, kind):
        return self._raw.Get(kind, self._raw.Pos + self._at(slot))

    def floats(self, slot):
        start, count = self._raw.Vector(self._at(slot)), self._raw.VectorLen(self._at(slot))
        return [self._raw.Get(types.Float32Flags, start + 4 * i) for i in range(count)]
