"""Writes a bundle atomically: every exported file, labels, contract and parity report."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import files
from fingerspell.errors import ExportError, RunError
from fingerspell.export import features, golden, graphs, onnx, parity, proof, tflite
from fingerspell.export.graphs import require_tensorflow, size_of
from fingerspell.export.metadata import with_metadata
from fingerspell.export.proof import prove
from fingerspell.export.tflite import convert_int8
from fingerspell.files import write_text
from fingerspell.images.encode import as_plain_jpeg, encode_jpeg
from fingerspell.labels import LABELS_FILE, write_labels
from fingerspell.runtime import STARTER
from fingerspell.runtime.contract import FILE_NAME, Contract, read_contract

CARD = "model_card.md"
_PARITY = "parity.json"
_NOT_ALWAYS = (onnx.FILE_NAME, tflite.FAST)


def export_bundle(
    model: Any,
    contract: Contract,
    output_dir: Path,
    pictures: Mapping[str, bytes],
    representative: Sequence[NDArray[np.float32]],
) -> dict[str, Any]:
    """Writes every export into `output_dir` and returns the parity report (`parity.json`).

    `pictures`: real ones as file bytes by name, on which each export must answer as Keras does.
    Fewer than `parity.LEAST_PICTURES` are made up by synthetic hands; how many of each, and which
    is furthest off, is in the report. `representative`: fitted training pictures, float32
    (h, w, 3) in [0, 1], for int8.
    `contract.files` is filled in here. The files are written and proven aside and then moved
    into place; until then, and whenever this raises, the old ones stay as they are, and a folder
    that was not there is not there.

    Raises `ExportError` where an export fails its bound or model and contract do not match,
    `PictureError` for bytes that are no picture, `RunError` where the folder cannot be written.
    """
    require_tensorflow()
    _require_match(model, contract)
    from fingerspell.model import rebuild_in_float32, single_view

    network = rebuild_in_float32(model)
    size_px = (contract.height_px, contract.width_px)
    more = proof.hands(contract.labels, size_px, max(0, parity.LEAST_PICTURES - len(pictures)))
    jpegs = {name: as_plain_jpeg(picture) for name, picture in pictures.items()}
    jpegs |= {name: encode_jpeg(rgb) for name, rgb in more.items()}
    is_new = not output_dir.exists()
    aside = _folder_aside(output_dir)
    try:
        unseen = proof.fitted(list(jpegs.values()), size_px)
        inside = _write_exports(network, contract, aside, representative, unseen)
        expected = proof.asked(network, unseen)
        report = prove(expected, aside, contract, jpegs)
        if (aside / onnx.FILE_NAME).is_file():
            onnx_too = prove(expected, aside, contract, jpegs, proof.ONNX_CHECKS)
            report["exports"] |= onnx_too["exports"]
        report["synthetic_pictures"] = len(more)
        if more and pictures:
            report["warnings"].insert(
                0,
                f"{len(pictures)} pictures of the data set are few to "
                f"compare on: {len(more)} synthetic ones made up for it",
            )
        report["int8"] = inside
        if (single := single_view(network)) is not network:
            of_single, checks = proof.asked(single, unseen), proof.SINGLE_VIEW_CHECKS
            report["exports"] |= prove(of_single, aside, contract, jpegs, checks)["exports"]
        golden.write(aside, size_px)
        _write_papers(contract, aside, report)
        _move_into_place(aside, output_dir)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        if is_new and not any(output_dir.iterdir()):
            output_dir.rmdir()
    return report


def export_released(bundle: Path, starter: Path = STARTER) -> dict[str, Any]:
    """Writes every export of the released recogniser into `bundle`; returns the parity report.

    The network is built again from the released weights and compared on synthetic hands. With no
    photographs to set its ranges, int8 has its weights in 8 bits and computes in float.
    Raises what `export_bundle` raises, and `ModelError` where the release is damaged.
    """
    require_tensorflow()
    from fingerspell.model.weights import released_network

    contract = replace(read_contract(starter), files={}, least_runtime={})
    report = export_bundle(released_network(starter), contract, bundle, {}, ())
    shutil.copyfile(starter / CARD, bundle / CARD)
    return report


def require_bundle_folder(folder: Path, run_file: str) -> None:
    """Raises `RunError` unless the folder is new, empty, or holds a bundle and no run."""
    if folder.exists() and not folder.is_dir():
        raise RunError(
            found=f"{folder} is a file",
            expected="a folder for the bundle",
            fix="choose another --out",
        )
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if names and (FILE_NAME not in names or run_file in names):
        held = f"a run ({run_file})" if run_file in names else f"{min(names)} and no {FILE_NAME}"
        raise RunError(
            found=f"{folder} holds {held}",
            expected="a new folder, an empty one, or an earlier bundle to replace",
            fix="choose another --out; without it a run is exported into its own folder",
        )


def _require_match(model: Any, contract: Contract) -> None:
    outputs, size_px = int(model.output_shape[-1]), size_of(model)
    promised = (contract.height_px, contract.width_px)
    if (outputs, size_px) != (len(contract.labels), promised):
        raise ExportError(
            found=f"a model of {size_px} pixels with {outputs} classes",
            expected=f"{promised} pixels and {len(contract.labels)} labels, as the contract says",
            fix="export with the labels and the image size that the model was trained with",
        )


def _folder_aside(output_dir: Path) -> Path:
    """Returns a new folder inside `output_dir`, so that moving out of it never copies."""
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".exporting-", dir=output_dir))
    except OSError as error:
        raise RunError(
            found=f"{output_dir} cannot be written ({error.strerror})",
            expected="a folder that this user may write to",
            fix="choose another folder, or change its permissions",
        ) from error


def _write_exports(
    network: Any,
    contract: Contract,
    folder: Path,
    representative: Sequence[NDArray[np.float32]],
    unseen: NDArray[np.float32],
) -> dict[str, Any]:
    """Writes SavedModel, frozen graph and TFLite files; returns what is 8 bits inside `int8`."""
    from fingerspell.model import single_view

    _say(f"writing {graphs.FOLDER}")
    graphs.write_saved_model(network, folder)
    _say(f"writing {graphs.FILE_NAME}")
    graphs.write_frozen_graph(network, folder)
    if onnx.can_write():
        _say(f"converting {onnx.FILE_NAME}")
        (folder / onnx.FILE_NAME).write_bytes(onnx.convert(network, contract))
    else:
        _say(f"leaving out {onnx.FILE_NAME}; to have it: {onnx.how_to_install()}")
    _say(f"converting {tflite.FILES['float32']}")
    plain = tflite.convert(network, "float32")
    _say(f"converting {tflite.FILES['int8']}, and comparing it")
    small = convert_int8(network, representative, plain, unseen)
    _say(f"converting {tflite.FILES['fp16']}")
    contents = {"float32": plain, "fp16": tflite.convert(network, "fp16"), "int8": small.content}
    for precision, name in tflite.FILES.items():
        (folder / name).write_bytes(with_metadata(contents[precision], contract))
    (folder / features.FILE_NAME).write_bytes(features.with_features(contents["fp16"]))
    if (single := single_view(network)) is not network:
        _say(f"converting {tflite.FAST}")
        seen_once = replace(contract, origin={**contract.origin, "views": "single"})
        content = with_metadata(tflite.convert(single, "fp16"), seen_once)
        (folder / tflite.FAST).write_bytes(content)
    return {"inside": small.inside, "full_int8_agreement": small.full_agreement}


def _say(step: str) -> None:
    print(f"  {step} …", flush=True)


def _write_papers(contract: Contract, folder: Path, report: dict[str, Any]) -> None:
    """Writes labels, `parity.json` and last `recogniser.json` with the hash of every file."""
    write_labels(folder / LABELS_FILE, contract.labels)
    write_text(folder / _PARITY, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    contract = replace(contract, files=hashes(folder), least_runtime=least_runtimes(folder))
    write_text(folder / FILE_NAME, contract.to_json())


def hashes(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder, by its path with forward slashes.

    The golden pictures are left out: `golden.json` holds theirs.
    """
    pictures = [folder / golden.FOLDER / name for name in golden.pictures()]
    every = sorted(path for path in folder.rglob("*") if path.is_file() and path not in pictures)
    return files.hashes(every, folder)


def least_runtimes(folder: Path) -> dict[str, str]:
    """Returns the oldest TensorFlow Lite that runs each TFLite file of a folder, by its name."""
    return {x.name: tflite.least_runtime(x.read_bytes()) for x in sorted(folder.glob("*.tflite"))}


def _move_into_place(aside: Path, output_dir: Path) -> None:
    """Moves everything, the contract last: with its hashes it says that the rest is complete.

    What an earlier export had and this one has not goes: it answers as another network.
    """
    for name in _NOT_ALWAYS:
        (output_dir / name).unlink(missing_ok=True)
    for path in sorted(aside.iterdir(), key=lambda path: (path.name == FILE_NAME, path.name)):
        target = output_dir / path.name
        if path.is_dir() and target.is_dir():
            old = aside / f"old-{path.name}"
            target.replace(old)
        path.replace(target)
