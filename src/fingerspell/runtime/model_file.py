"""Opens one model outside its bundle: a TFLite file, a SavedModel folder or a frozen graph."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from fingerspell.errors import BundleError
from fingerspell.files import hashes
from fingerspell.labels import LABELS_FILE, label_of, read_labels
from fingerspell.runtime.answer import Allowed
from fingerspell.runtime.contract import FILE_NAME, STANDARD_THRESHOLD, Contract, read_contract
from fingerspell.runtime.recogniser import Network, Pool, Recogniser, usual_interpreters
from fingerspell.runtime.tensorflow_model import SAVED_MODEL, open_network

_TFLITE, _GRAPH = ".tflite", ".pb"
_SLACK = 0.1
"""How far from 1 probabilities may add up: 8 bits round each of them."""


def is_model(path: Path) -> bool:
    """Says whether a path is that of one model: a `.tflite` or `.pb` file, a SavedModel folder."""
    return path.suffix.lower() in (_TFLITE, _GRAPH) or (path / SAVED_MODEL).is_file()


def open_model(
    path: Path,
    *,
    threads: int = 1,
    parallel: int | None = None,
    threshold: float | None = None,
    labels: Allowed = None,
) -> Recogniser:
    """Opens one model; it takes RGB in [0, 1] and answers with probabilities, as a bundle's do.

    Labels, size and threshold are those of the `recogniser.json` inside a TFLite file or beside the
    model, whose hashes must be the model's. Without one the labels are those of
    `training_set_labels.txt` beside it, the size is the network's, and the threshold 0.7. "Beside"
    a SavedModel is in its folder or in the one above. The options are `Recogniser.load`'s.

    Raises `BundleError` where the model is missing or damaged, where nothing names its labels or
    they do not fit, and where TensorFlow, which runs all but TFLite, is missing.
    """
    path = (path.parent if path.name == SAVED_MODEL else path).absolute()
    files = _hashes(path)
    known = _contract(path, files)
    if path.suffix.lower() == _TFLITE:
        crop = known is not None and known.origin.get("views") == "hand_crop"
        most = parallel or usual_interpreters()
        network: Network = Pool(path.read_bytes(), threads=threads, most=most, hand_crop=crop)
        light_model: Callable[[], bytes] | None = path.read_bytes
    else:
        network, light_model = open_network(path), None
    _check_network(path, network)
    height_px, width_px = network.input_shape[1:3]
    contract = known or Contract(
        labels=_labels(path), height_px=height_px, width_px=width_px, threshold=STANDARD_THRESHOLD
    )
    accepted = contract.threshold if threshold is None else threshold
    contract = replace(contract, files=files, threshold=accepted)
    return Recogniser(contract, network, path.name, labels, light_model)


def _beside(path: Path, name: str) -> Path | None:
    """Returns a file of that name in a SavedModel's folder, or else in the model's own folder."""
    return next((x for x in (path / name, path.parent / name) if x.is_file()), None)


def _hashes(path: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file of a model, by its path from the folder of the model."""
    folder = path.is_dir()
    files = [path / SAVED_MODEL, *sorted((path / "variables").glob("*"))] if folder else [path]
    try:
        return hashes(files, path.parent)
    except OSError as error:
        raise BundleError(
            found=f"{path}, which cannot be read ({error.strerror or error})",
            expected="a TFLite file, a SavedModel folder or a frozen graph",
            fix="check the path",
        ) from error


def _contract(path: Path, files: dict[str, str]) -> Contract | None:
    """Returns the contract inside a TFLite file, or that beside a model, or None.

    Raises `BundleError` where the one beside it is that of other files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(path.read_bytes() if path.is_file() else b"")) as inside:
            return Contract.from_json(inside.read(FILE_NAME))
    except (zipfile.BadZipFile, KeyError, UnicodeError):
        pass
    if (beside := _beside(path, FILE_NAME)) is None:
        return None
    contract = read_contract(beside.parent)
    if strange := [name for name in files if files[name] not in contract.files.values()]:
        raise BundleError(
            found=f"{path.parent / strange[0]}, whose SHA-256 is not in {beside}",
            expected=f"the files that this {FILE_NAME} lists",
            fix="copy both again from one run folder, or move the model away, "
            f"beside its {LABELS_FILE}",
        )
    return contract


def _labels(path: Path) -> tuple[str, ...]:
    """Returns the labels beside a model, in the order of its outputs."""
    beside = _beside(path, LABELS_FILE)
    expected, fix = "one label a line, each once", f"copy {LABELS_FILE} from the run folder"
    if beside is None:
        raise BundleError(
            found=f"{path} without its labels", expected=f"{LABELS_FILE} beside it", fix=fix
        )
    try:
        labels = tuple(map(label_of, read_labels(beside)))
    except (OSError, UnicodeError) as error:
        raise BundleError(
            found=f"{beside}, which cannot be read ({error})", expected=expected, fix=fix
        ) from error
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise BundleError(
            found=f"{beside} with {twice[0]!r} more than once", expected=expected, fix=fix
        )
    return labels


def _check_network(path: Path, network: Network) -> None:
    """Raises `BundleError` unless a network takes a picture and answers with probabilities."""
    shape = network.input_shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] != 3 or 0 in shape:
        raise BundleError(
            found=f"{path} that takes {shape}",
            expected="pictures of a fixed size, one at a time: (1, height, width, 3)",
            fix="export it with a fixed size",
        )
    if len(network.output_shape) == 2 and network.output_shape[1] > 0:
        row = network.run(np.zeros(shape, np.float32))[0]
        if row.min() >= 0 and abs(float(row.sum()) - 1) <= _SLACK:  # also refuses NaN
            return
    raise BundleError(
        found=f"{path}, whose answers {network.output_shape} are no probabilities",
        expected="(1, labels), from 0 up, which add up to 1",
        fix="export it with a softmax at its end",
    )
