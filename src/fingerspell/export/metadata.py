"""What a phone needs to know, inside the TFLite file itself.

Two forms in one file, neither of which an interpreter looks at:

* a zip archive behind the model: `labels.txt` and `recogniser.json` (`unzip -l model.tflite`),
* a `TFLITE_METADATA` buffer, which points to `labels.txt` and says how to scale pixels, so that
  MediaPipe Tasks and ML Kit take the file as it is.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell.errors import ExportError
from fingerspell.export.metadata_buffer import model_metadata
from fingerspell.runtime.contract import FILE_NAME, Contract

LABELS = "labels.txt"
ENTRY = b"TFLITE_METADATA"
IDENTIFIER = b"TFL3"
WEIGHTS_ALIGNMENT = 16
_EPOCH = (1980, 1, 1, 0, 0, 0)


def with_metadata(content: bytes, contract: Contract) -> bytes:
    """Returns the TFLite file with labels and contract inside; equal input gives equal bytes."""
    archive = io.BytesIO()
    archive.write(_with_buffer(content, model_metadata(contract, LABELS)))
    # Appending keeps the archive's offsets counted from the start of the model file.
    with zipfile.ZipFile(archive, "a", compression=zipfile.ZIP_STORED) as file:
        for name, text in (
            (LABELS, "".join(f"{label}\n" for label in contract.labels)),
            (FILE_NAME, contract.to_json()),
        ):
            file.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode("utf-8"))
    return archive.getvalue()


def read_metadata(path: Path) -> tuple[tuple[str, ...], Contract]:
    """Returns labels and contract of a TFLite file; raises `ExportError` where it has none."""
    try:
        with zipfile.ZipFile(path) as file:
            labels = file.read(LABELS).decode("utf-8").splitlines()
            contract = Contract.from_json(file.read(FILE_NAME).decode("utf-8"))
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ExportError(
            found=f"{path.name} without labels and contract ({error})",
            expected="a TFLite file that `fingerspell export` wrote",
            fix="export the run folder again",
        ) from error
    return tuple(labels), contract


def _with_buffer(content: bytes, metadata: bytes) -> bytes:
    """Returns the model with one more buffer, named `TFLITE_METADATA`."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(content), 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(metadata, np.uint8)
    entry = schema.MetadataT()
    entry.name = ENTRY
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = _aligning_builder(len(content) + len(metadata) + 1024)
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _aligning_builder(size_bytes: int) -> Any:
    """Returns a FlatBuffer builder that puts weights on 16-byte borders, as the schema asks.

    Python's builder forgets that rule; without it a phone may have to copy what it could map.
    """
    import flatbuffers

    class Aligning(flatbuffers.Builder):  # type: ignore[misc]
        def StartVector(self, size: int, count: int, alignment: int) -> int:  # noqa: N802
            bulk = size == 1 and count >= WEIGHTS_ALIGNMENT
            return int(super().StartVector(size, count, WEIGHTS_ALIGNMENT if bulk else alignment))

    return Aligning(size_bytes)
