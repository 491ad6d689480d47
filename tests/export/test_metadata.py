"""Labels and contract travel inside the TFLite file."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import flatbuffers
import pytest

from fingerspell.errors import ExportError
from fingerspell.export import metadata, tflite
from helpers.exports import LABELS


@pytest.fixture(params=tflite.FILES.values())
def path(exported, request):
    return exported.folder / request.param


def test_labels_and_contract_read_back(exported, path):
    labels, contract = metadata.read_metadata(path)
    assert labels == LABELS
    assert contract == replace(exported.contract, files={})


def test_any_zip_program_lists_them(path):
    assert zipfile.is_zipfile(path)
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
    assert (size.uint32(0), size.uint32(1)) == (contract.width_px, contract.height_px)
    scale = image.table_in(4).table(1)
    assert (scale.floats(0), scale.floats(1)) == ([0.0], [255.0])
    assert answer.table_in(6).text(0) == "labels.txt"
    assert answer.table_in(6).int8(2) == 2


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
        self._table = flatbuffers.table.Table(buffer, position)
        self._buffer = buffer

    def _at(self, slot):
        offset = self._table.Offset(4 + 2 * slot)
        assert offset, f"slot {slot} is empty"
        return self._table.Pos + offset

    def table(self, slot):
        return Table(self._buffer, self._table.Indirect(self._at(slot)))

    def table_in(self, slot):
        return Table(self._buffer, self._table.Indirect(self._vector(slot)[0]))

    def text(self, slot):
        return self._table.String(self._at(slot)).decode()

    def int8(self, slot):
        return self._table.Get(flatbuffers.number_types.Int8Flags, self._at(slot))

    def uint32(self, slot):
        return self._table.Get(flatbuffers.number_types.Uint32Flags, self._at(slot))

    def floats(self, slot):
        start, length = self._vector(slot)
        kind = flatbuffers.number_types.Float32Flags
        return [self._table.Get(kind, start + 4 * i) for i in range(length)]

    def _vector(self, slot):
        offset = self._table.Offset(4 + 2 * slot)
        assert offset, f"slot {slot} is empty"
        return self._table.Vector(offset), self._table.VectorLen(offset)
