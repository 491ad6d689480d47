"""`model.onnx`: the network for ONNX Runtime, converted by tf2onnx (the extra `onnx`)."""

import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import install
from fingerspell.errors import ExportError
from fingerspell.export.graphs import PIXELS_TENSOR, frozen_network
from fingerspell.runtime.contract import FILE_NAME as CONTRACT
from fingerspell.runtime.contract import Contract

FILE_NAME = "model.onnx"
LABELS = "labels.txt"
PACKAGES = ("tf2onnx==1.17.*", "onnx>=1.20", "onnxruntime>=1.22")
_OUTPUT = "probabilities"
_OPSET = 17


def can_write() -> bool:
    """Says whether all that converting and proving needs is installed."""
    return find_spec("tf2onnx") is not None and can_run()


def can_run() -> bool:
    """Says whether ONNX Runtime is installed."""
    return find_spec("onnxruntime") is not None


def how_to_install() -> str:
    """Returns the command that installs what is missing."""
    return install.pip("install", *PACKAGES)


def require() -> None:
    """Raises `ExportError` unless `model.onnx` can be written and proven here."""
    if not can_write():
        raise ExportError(
            found=f"no tf2onnx, or no onnxruntime: {FILE_NAME} cannot be written and proven",
            expected="both; the extra `onnx` holds them",
            fix=how_to_install(),
        )


def convert(model: Any, contract: Contract) -> bytes:
    """Returns the ONNX file, labels and contract among its properties.

    `image`: float32 (N, h, w, 3) in [0, 1] → `probabilities`: float32 (N, C).
    """
    from onnx.helper import set_model_props
    from tf2onnx.convert import from_graph_def

    graph, entry, answer = frozen_network(model)
    # One of its optimisers stumbles over scalars, says so at length, and is passed over.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    names = {entry: PIXELS_TENSOR, answer: _OUTPUT}
    proto, _ = from_graph_def(
        graph,
        name=contract.backbone or None,
        input_names=[entry],
        output_names=[answer],
        opset=_OPSET,
        tensors_to_rename=names,
    )
    labels = "".join(f"{label}\n" for label in contract.labels)
    set_model_props(proto, {LABELS: labels, CONTRACT: contract.to_json()})
    return bytes(proto.SerializeToString())


def open_answers(path: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Returns what answers pixels (N, h, w, 3) with probabilities (N, C), on the processor."""
    session = _session(path)
    return lambda batch: np.asarray(session.run(None, {PIXELS_TENSOR: batch})[0], np.float32)


def read_labels(path: Path) -> tuple[str, ...]:
    """Returns the labels inside an ONNX file."""
    properties = _session(path).get_modelmeta().custom_metadata_map
    return tuple(str(properties.get(LABELS, "")).splitlines())


def _session(path: Path) -> Any:
    from onnxruntime import InferenceSession

    return InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
