"""Makes a finished run the released recogniser: small files, proven, reproducible."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ExportError, RunError
from fingerspell.export import golden
from fingerspell.export.bundle import CARD, hashes, least_runtimes
from fingerspell.export.parity import LEAST_PICTURES, Parity, difference
from fingerspell.export.proof import FP16_AGREEMENT
from fingerspell.export.tflite import FILES, require_builtin
from fingerspell.labels import LABELS_FILE, write_labels
from fingerspell.runtime import Recogniser
from fingerspell.runtime.contract import FILE_NAME, Contract, read_contract
from fingerspell.runtime.recogniser import read_model

_MODEL = FILES["fp16"]
_MOST_MODEL_BYTES = 6_500_000
_MOST_WEIGHTS_BYTES = 7_000_000
_FEATURES_TOLERANCE = 0.01
"""How far features of the half-precision backbone may be off: RMS, over the RMS of the features."""


def release(
    run_dir: Path, target: Path, pictures: NDArray[np.float32], card: Path | None = None
) -> dict[str, Any]:
    """Fills `target` with the recogniser of a finished run, and returns what was proven.

    `target` gets the half-precision TFLite file, labels, contract, `golden/`, `card` (the run's own
    unless another is given), and the weights to train on. `pictures`: float32 (N, h, w, 3) in
    [0, 1], at least 200, on which all of it must answer as the trained network does. The same run
    and pictures write the same bytes; whenever this raises, `target` stays as it was.

    Raises `ExportError` for a file that is too large or answers otherwise, `BundleError` and
    `RunError` for a run that is not whole.
    """
    from fingerspell.model import load_recogniser
    from fingerspell.model.weights import WEIGHTS, pack

    contract = read_contract(run_dir)
    _require_present_words(run_dir, contract)
    card = card or run_dir / CARD
    if not card.is_file():
        raise RunError(
            found=f"no model card {card}",
            expected="what the recogniser is for, what it learnt from, and where it ends",
            fix="name it with --card, or finish the run: fingerspell evaluate",
        )
    _require_replaceable(target, {_MODEL, WEIGHTS, CARD, LABELS_FILE, FILE_NAME, golden.FOLDER})
    trained = load_recogniser(run_dir / "model.keras")
    contents = {
        _MODEL: read_model(run_dir, _MODEL, contract),
        WEIGHTS: pack(trained),
        CARD: card.read_text(encoding="utf-8").encode("utf-8"),
    }
    _require_size(contents, _MODEL, _MOST_MODEL_BYTES)
    _require_size(contents, WEIGHTS, _MOST_WEIGHTS_BYTES)
    require_builtin(contents[_MODEL])
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _write(aside, contract, contents)
        proof = _prove(aside, trained, pictures)
        _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {"bytes": {name: len(content) for name, content in contents.items()}, **proof}


def _require_present_words(run_dir: Path, contract: Contract) -> None:
    """Refuses a run whose contract says `looks` where it now says `views`."""
    if "looks" in contract.origin:
        raise ExportError(
            found=f"origin.looks in {run_dir / FILE_NAME}, a word of an older version",
            expected="origin.views, by which the released network is built again",
            fix=f"export the run again: fingerspell export --output_dir {run_dir}",
        )


def _require_replaceable(target: Path, names: set[str]) -> None:
    """Refuses a folder that holds anything but an earlier release."""
    foreign = sorted({path.name for path in target.iterdir()} - names) if target.is_dir() else []
    if foreign:
        raise ExportError(
            found=f"{target} holds {', '.join(foreign[:3])}",
            expected="a new folder, or one with an earlier release and nothing else",
            fix="choose another --target",
        )


def _swap(new: Path, target: Path) -> None:
    """Puts `new` in the place of `target`, which comes back where that fails."""
    old = new.with_name(f"{new.name}-old")
    if target.exists():
        target.rename(old)
    try:
        new.replace(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _require_size(contents: Mapping[str, bytes], name: str, most: int) -> None:
    if len(contents[name]) > most:
        raise ExportError(
            found=f"{name} of {len(contents[name]):,} bytes",
            expected=f"at most {most:,}, so that the package stays small",
            fix="release a MobileNetV3Large with the usual labels",
        )


def _write(folder: Path, contract: Contract, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    write_labels(folder / LABELS_FILE, contract.labels)
    golden.write(folder, (contract.height_px, contract.width_px))
    # The card is left out: it tells what these very files were measured at.
    proven = {name: digest for name, digest in hashes(folder).items() if name != CARD}
    text = replace(contract, files=proven, least_runtime=least_runtimes(folder)).to_json()
    (folder / FILE_NAME).write_text(text, encoding="utf-8", newline="\n")
    folder.chmod(0o755)  # A temporary folder is for its owner's eyes only.


def _prove(folder: Path, trained: Any, pictures: NDArray[np.float32]) -> dict[str, Any]:
    """Returns how near the written files are to the trained network; raises where not enough."""
    from fingerspell.model.build import feature_network
    from fingerspell.model.weights import released_network

    rebuilt = released_network(folder)
    expected = trained.predict(pictures, verbose=0)
    answers = {
        _MODEL: difference(expected, Recogniser.load(folder).probabilities(pictures)),
        "weights": difference(expected, rebuilt.predict(pictures, verbose=0)),
    }
    for name, parity in answers.items():
        _require_nearness(name, parity)
    ours, theirs = (feature_network(x).predict(pictures, verbose=0) for x in (trained, rebuilt))
    off = float(np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(ours**2)))
    if not off <= _FEATURES_TOLERANCE:
        raise ExportError(
            found=f"half-precision weights whose features are off by {off:.2%}",
            expected=f"at most {_FEATURES_TOLERANCE:.0%}",
            fix="look for kernels with values beyond half precision; train with a smaller rate",
        )
    return {
        "pictures": len(pictures),
        "agreement": {name: parity.agreement for name, parity in answers.items()},
        "max_difference": {name: parity.max_difference for name, parity in answers.items()},
        "features_off": off,
    }


def _require_nearness(name: str, parity: Parity) -> None:
    if parity.pictures < LEAST_PICTURES or not parity.agreement >= FP16_AGREEMENT:
        raise ExportError(
            found=f"{name} names the trained network's class on {parity.agreement:.1%} of "
            f"{parity.pictures} pictures",
            expected=f"{FP16_AGREEMENT:.0%} of at least {LEAST_PICTURES}",
            fix="export the run again, and look at its parity.json",
        )
