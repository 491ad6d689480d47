"""The `ModelMetadata` FlatBuffer of TensorFlow Lite, written field by field.

The package that used to write it (`tflite_support`) is no longer kept up. Slots and numbers
follow metadata_schema.fbs, file identifier M001:
https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/tasks/metadata/metadata_schema.fbs
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fingerspell.runtime.contract import INPUT, OUTPUT, Contract

Write = Callable[[Any], int]
"""Writes a table, vector or string into a flatbuffers.Builder and returns its offset."""

AXIS_LABELS = 2
RGB = 1
IMAGE_PROPERTIES = 2
NORMALISATION = 1
FROM_8_BIT = 255.0
IDENTIFIER = b"M001"


def model_metadata(contract: Contract, labels_file: str) -> bytes:
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
    builder.Finish(root(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _picture(contract: Contract) -> Write:
    """Content { ImageProperties { RGB, ImageSize { width, height } } }."""
    size = _table({}, uint32={0: contract.width_px, 1: contract.height_px})
    properties = _table({1: size}, int8={0: RGB})
    return _table({1: properties}, int8={0: IMAGE_PROPERTIES})


def _scaling() -> Write:
    """[ProcessUnit { NormalizationOptions { mean 0, std 255 } }]: 8-bit pixels to [0, 1]."""
    options = _table({0: _floats([0.0]), 1: _floats([FROM_8_BIT])})
    return _vector([_table({1: options}, int8={0: NORMALISATION})])


def _labels(file: str) -> Write:
    """AssociatedFile { name, TENSOR_AXIS_LABELS }."""
    return _table({0: _text(file)}, int8={2: AXIS_LABELS})


def _table(
    children: dict[int, Write],
    *,
    int8: dict[int, int] | None = None,
    uint32: dict[int, int] | None = None,
) -> Write:
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


def _text(text: str) -> Write:
    return lambda builder: int(builder.CreateString(text))


def _vector(items: Sequence[Write]) -> Write:
    def write(builder: Any) -> int:
        offsets = [item(builder) for item in items]
        builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            builder.PrependUOffsetTRelative(offset)
        return int(builder.EndVector())

    return write


def _floats(values: Sequence[float]) -> Write:
    def write(builder: Any) -> int:
        builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            builder.PrependFloat32(value)
        return int(builder.EndVector())

    return write
