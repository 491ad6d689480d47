"""TFLite metadata: labels, contract and pixel scaling inside the model file.

Two forms in one file; an interpreter ignores both:

* a zip archive behind the model: `labels.txt` and `recogniser.json` (`unzip -l model.tflite`),
* a `TFLITE_METADATA` buffer, which points to `labels.txt` and says how to scale pixels, so that
  MediaPipe Tasks and ML Kit take the file as it is.
"""

import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell.errors import ExportError
from fingerspell.runtime.contract import FILE_NAME, INPUT, OUTPUT, Contract

_Write = Callable[[Any], int]
"""Writes a table, vector or string into a flatbuffers.Builder and returns its offset."""

_LABELS = "labels.txt"
_ENTRY = b"TFLITE_METADATA"
_MODEL_IDENTIFIER = b"TFL3"
_METADATA_IDENTIFIER = b"M001"
_WEIGHTS_ALIGNMENT = 16
_AXIS_LABELS = 2
_RGB = 1
_IMAGE_PROPERTIES = 2
_NORMALISATION = 1
_FROM_8_BIT = 255.0
_EPOCH = (1980, 1, 1, 0, 0, 0)


def with_metadata(content: bytes, contract: Contract) -> bytes:
    """Returns the TFLite file with labels and contract inside; equal input gives equal bytes."""
    archive = io.BytesIO()
    archive.write(_with_buffer(content, _model_metadata(contract, _LABELS)))
    # Appending keeps the archive's offsets counted from the start of the model file.
    with zipfile.ZipFile(archive, "a", compression=zipfile.ZIP_STORED) as file:
        for name, text in (
            (_LABELS, "".join(f"{label}\n" for label in contract.labels)),
            (FILE_NAME, contract.to_json()),
        ):
            file.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode("utf-8"))
    return archive.getvalue()


def read_metadata(path: Path) -> tuple[tuple[str, ...], Contract]:
    """Returns labels and contract of a TFLite file; raises `ExportError` where it has none."""
    try:
        with zipfile.ZipFile(path) as file:
            labels = file.read(_LABELS).decode("utf-8").splitlines()
            contract = Contract.from_json(file.read(FILE_NAME))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ExportError(
            found=f"{path.name} without labels and contract ({error})",
            expected="a TFLite file that `fingerspell export` wrote",
            fix="export the run folder again",
        ) from error
    return tuple(labels), contract


def _model_metadata(contract: Contract, labels_file: str) -> bytes:
    """Returns the buffer: what goes in (RGB, size, divided by 255), and the labels of what comes
    out."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    image = _table({0: _text("image"), 1: _text(INPUT), 3: _picture(contract), 4: _scaling()})
    answer = _table(
        {0: _text("probabilities"), 1: _text(OUTPUT), 6: _vector([_labels(labels_file)])}
    )
    graph = _table({2: _vector([image]), 3: _vector([answer])})
    root = _table(
        {0: _text("Fingerspell recogniser"), 1: _text(contract.backbone), 3: _vector([graph])}
    )
    builder.Finish(root(builder), file_identifier=_METADATA_IDENTIFIER)
    return bytes(builder.Output())


def _picture(contract: Contract) -> _Write:
    """Content { ImageProperties { RGB, ImageSize { width, height } } }."""
    size = _table({}, uint32={0: contract.width_px, 1: contract.height_px})
    properties = _table({1: size}, int8={0: _RGB})
    return _table({1: properties}, int8={0: _IMAGE_PROPERTIES})


def _scaling() -> _Write:
    """[ProcessUnit { NormalizationOptions { mean 0, std 255 } }]: 8-bit pixels to [0, 1]."""
    options = _table({0: _floats([0.0]), 1: _floats([_FROM_8_BIT])})
    return _vector([_table({1: options}, int8={0: _NORMALISATION})])


def _labels(file: str) -> _Write:
    """AssociatedFile { name, TENSOR_AXIS_LABELS }."""
    return _table({0: _text(file)}, int8={2: _AXIS_LABELS})


def _with_buffer(content: bytes, metadata: bytes) -> bytes:
    """Returns the model with one more buffer, named `TFLITE_METADATA`."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    entry = schema.MetadataT()
    entry.name = _ENTRY
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return packed(model, len(content) + len(metadata))


def packed(model: Any, about_bytes: int) -> bytes:
    """Returns a TFLite model (`ModelT`) as a file, its weights aligned."""
    builder = _aligning_builder(about_bytes + 1024)
    builder.Finish(model.Pack(builder), file_identifier=_MODEL_IDENTIFIER)
    return bytes(builder.Output())


def _aligning_builder(size_bytes: int) -> Any:
    """Returns a FlatBuffer builder that aligns weights to 16 bytes, which the schema requires.

    Python's builder ignores that rule; without it a phone may have to copy what it could map.
    """
    import flatbuffers

    class Aligning(flatbuffers.Builder):  # type: ignore[misc]
        def StartVector(self, size: int, count: int, alignment: int) -> int:  # noqa: N802
            bulk = size == 1 and count >= _WEIGHTS_ALIGNMENT
            return int(super().StartVector(size, count, _WEIGHTS_ALIGNMENT if bulk else alignment))

    return Aligning(size_bytes)


def _table(
    children: dict[int, _Write],
    *,
    int8: dict[int, int] | None = None,
    uint32: dict[int, int] | None = None,
) -> _Write:
    """A table by slot number: child tables, vectors and strings, and numbers."""

    def write(builder: Any) -> int:
        offsets = {slot: child(builder) for slot, child in children.items()}
        builder.StartObject(1 + max([*offsets, *(int8 or {}), *(uint32 or {})]))
        for slot, offset in offsets.items():
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        for slot, number in (int8 or {}).items():
            builder.PrependInt8Slot(slot, number, 0)
        for slot, number in (uint32 or {}).items():
            builder.PrependUint32Slot(slot, number, 0)
        return int(builder.EndObject())

    return write


def _text(text: str) -> _Write:
    return lambda builder: int(builder.CreateString(text))


def _vector(items: Sequence[_Write]) -> _Write:
    def write(builder: Any) -> int:
        offsets = [item(builder) for item in items]
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    return write


def _floats(values: Sequence[float]) -> _Write:
    def write(builder: Any) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return int(builder.EndVector())

    return write
