"""Verifies a bundle: hashes, labels and contract, golden answers, and, where asked, other pictures.

Everything but `against` runs on LiteRT alone, so a server can verify what it was sent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import images
from fingerspell.errors import BundleError, ExportError
from fingerspell.export import golden, onnx
from fingerspell.export.metadata import read_metadata
from fingerspell.export.parity import TOLERANCE
from fingerspell.export.proof import FP16_AGREEMENT
from fingerspell.labels import LABELS_FILE
from fingerspell.runtime import MODEL_FILES, Recogniser, read_contract
from fingerspell.runtime.contract import FILE_NAME, Contract

_Answers = Callable[[NDArray[np.float32]], NDArray[np.float32]]
_BATCH = 32
_LEAST = {"fp16": FP16_AGREEMENT, "fast": FP16_AGREEMENT, "int8": 0.0}
"""The least share of pictures with the reference's class; int8 is reported and never refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one way of answering compares with the reference on `pictures` pictures.

    `max_difference` is of probabilities, at the picture `worst`; `lost` and `worst_class_lost` are
    the accuracy in points that the reference has more, over all and in the worst class (NaN where
    no class is known).
    """

    name: str
    pictures: int
    agreement: float
    max_difference: float
    worst: str
    lost: float
    worst_class_lost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was compared, and what could not be."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def verify(
    bundle: Path,
    against: Any = None,
    pictures: Sequence[Path] = (),
    y_true: NDArray[np.intp] | None = None,
) -> Report:
    """Verifies a bundle folder and returns what was compared.

    `against`: the trained Keras network; every file must then answer as it does, else as the most
    exact file of the bundle. `pictures`: more to compare on than the golden ones; `y_true` (N,)
    their classes. Raises `BundleError` for files that are missing or changed, labels that differ
    and answers that are too far off, with picture, class and distance.
    """
    contract = read_contract(bundle)
    require_files(bundle, contract)
    present = [k for k, name in MODEL_FILES.items() if name in contract.files]
    if not present:
        Recogniser.load(bundle)  # Which says what is missing.
    for precision in present:
        _require_same_labels(bundle / MODEL_FILES[precision], contract)
    ways: dict[str, _Answers] = {
        k: Recogniser.load(bundle, precision=k).probabilities for k in present
    }
    notes: list[str] = []
    if onnx.FILE_NAME in contract.files:
        if onnx.can_run():
            _require_labels(onnx.FILE_NAME, onnx.read_labels(bundle / onnx.FILE_NAME), contract)
            ways["onnx"] = onnx.open_answers(bundle / onnx.FILE_NAME)
        else:
            notes.append(f"{onnx.FILE_NAME} was not run, onnxruntime is missing: "
                         f"{onnx.how_to_install()}")  # fmt: skip
    size_px, rows = (contract.height_px, contract.width_px), []
    reference = _references(against, ways)
    if (bundle / golden.FOLDER).is_dir():
        known = golden.read(bundle, size_px, len(contract.labels))
        batch = golden.tensors([one.content for one in known], size_px)
        if rounded := golden.require_same_input(known, batch):
            notes.append(f"{rounded} of {len(known)} golden inputs differ in their last bits: "
                         "another processor or OpenCV")  # fmt: skip
        answers = {name: ask(batch) for name, ask in ways.items()}
        _require_golden(known, answers, contract.labels)
        names = [one.path for one in known]
        if against is not None:
            rows += _compare(names, [batch], ways, reference, contract, None)
        else:
            notes.append(f"golden answers: {', '.join(answers)} on {len(known)} pictures")
    else:
        notes.append("no golden answers: the bundle is of an earlier version; export it again")
    if pictures:
        names = [str(path) for path in pictures]
        batches = _batches(pictures, size_px)
        rows += _compare(names, batches, ways, reference, contract, y_true)
    return Report(rows=tuple(rows), notes=tuple(notes))


def require_files(bundle: Path, contract: Contract) -> None:
    """Raises `BundleError` that names every file that is missing or changed, and labels first."""
    found = [line for line in [_labels_fault(bundle / LABELS_FILE, contract)] if line]
    for name, digest in contract.files.items():
        path = bundle / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif sha256(path.read_bytes()).hexdigest() != digest and not (
            name == LABELS_FILE and found
        ):
            found.append(f"{name} has changed")
    if found:
        raise BundleError(
            found="; ".join(found),
            expected=f"the files that {FILE_NAME} lists, byte for byte",
            fix="copy the whole folder again in binary, or export it again",
        )


def _labels_fault(path: Path, contract: Contract) -> str:
    """Returns what is wrong with a labels file, empty where nothing is."""
    expected = "".join(f"{label}\n" for label in contract.labels).encode()
    if not path.is_file() or (raw := path.read_bytes()) == expected:
        return ""
    reasons = [
        reason
        for mark, reason in ((b"\xef\xbb\xbf", "a byte order mark"), (b"\r\n", "Windows line ends"))
        if mark in raw
    ]
    lines = raw.decode("utf-8-sig", "replace").splitlines()
    if missing := [label for label in contract.labels if label not in lines]:
        reasons.append(f"no label {', '.join(missing)}")
    elif more := [line for line in lines if line.strip() and line not in contract.labels]:
        reasons.append(f"{', '.join(more)}, which {FILE_NAME} lacks")
    elif tuple(lines) != contract.labels:
        reasons.append("labels in another order or twice")
    return f"{path.name} has {' and '.join(reasons or ['other blanks'])}"


def _require_same_labels(path: Path, contract: Contract) -> None:
    try:
        labels, _ = read_metadata(path)
    except ExportError:
        return  # A file of another converter: its hash is right, and it says nothing.
    _require_labels(path.name, labels, contract)


def _require_labels(name: str, labels: Sequence[str], contract: Contract) -> None:
    if tuple(labels) != contract.labels:
        raise BundleError(
            found=f"{name} with the labels {', '.join(labels)}",
            expected=f"those of {FILE_NAME}: {', '.join(contract.labels)}",
            fix="copy the whole folder again: files of two runs were mixed",
        )


def _require_golden(
    known: Sequence[golden.Golden], answers: dict[str, NDArray[np.float32]], labels: Sequence[str]
) -> None:
    for name, rows in answers.items():
        precision = "float32" if name == "onnx" else name
        for one, row in zip(known, rows, strict=True):
            if precision in one.probabilities:
                off = np.abs(row - one.probabilities[precision])
                _require_near(off, golden.TOLERANCE[precision], name, one.path, labels)


def _require_near(
    off: NDArray[np.float32], tolerance: float, name: str, picture: str, labels: Sequence[str]
) -> None:
    """Raises `BundleError` with picture, class and distance unless `off` (C,) is in bounds."""
    worst = int(np.nan_to_num(off, nan=np.inf).argmax())
    if not off[worst] <= tolerance:
        raise BundleError(
            found=f"{name} on {picture}: the probability of {labels[worst]} is off by "
            f"{off[worst]:.2g}",
            expected=f"at most {tolerance:g}",
            fix="look for another pixel scale, channel order, resize or label order on its way",
        )


def _references(against: Any, ways: dict[str, _Answers]) -> Callable[[str], _Answers]:
    """Returns what each way of answering is compared with: Keras, or the most exact file."""
    if against is None:
        first = next(iter(ways.values()))
        return lambda _name: first
    from fingerspell.model import single_view

    single = single_view(against)

    def of(name: str) -> _Answers:
        network = single if name == "fast" else against
        return lambda batch: np.asarray(network.predict_on_batch(batch), np.float32)

    return of


def _batches(pictures: Sequence[Path], size_px: tuple[int, int]) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(pictures), _BATCH):
        yield np.stack([images.load(path, size_px) for path in pictures[start : start + _BATCH]])


def _compare(
    names: Sequence[str],
    batches: Any,
    ways: dict[str, _Answers],
    reference: Callable[[str], _Answers],
    contract: Contract,
    y_true: NDArray[np.intp] | None,
) -> list[Row]:
    """Returns a row for each way of answering; raises `BundleError` where one is out of bounds."""
    found: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ways}
    expected: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ways}
    for batch in batches:
        usual = reference("")(batch)
        for name, ask in ways.items():
            found[name].append(ask(batch))
            expected[name].append(reference(name)(batch) if name == "fast" else usual)
    rows = []
    for name in ways:
        ours, theirs = np.concatenate(found[name]), np.concatenate(expected[name])
        row = _row(name, names, ours, theirs, y_true)
        worst = np.abs(ours - theirs).max(1).argmax()
        off = np.abs(ours - theirs)[worst]
        if name not in _LEAST:
            _require_near(off, TOLERANCE, name, names[worst], contract.labels)
        elif round((1 - row.agreement) * row.pictures) > max(
            1, int((1 - _LEAST[name]) * row.pictures)
        ):
            raise BundleError(
                found=f"{name} names another class on {1 - row.agreement:.1%} of {row.pictures} "
                f"pictures; furthest on {row.worst}, "
                f"{contract.labels[int(off.argmax())]} by {row.max_difference:.2g}",
                expected=f"the same class on {_LEAST[name]:.0%}",
                fix="export the run again, and look at its parity.json",
            )
        rows.append(row)
    return rows


def _row(
    name: str,
    names: Sequence[str],
    ours: NDArray[np.float32],
    theirs: NDArray[np.float32],
    y_true: NDArray[np.intp] | None,
) -> Row:
    off, (ours_top, theirs_top) = np.abs(ours - theirs).max(1), (ours.argmax(1), theirs.argmax(1))
    lost = worst_class = float("nan")
    if y_true is not None:
        gain = 100.0 * ((theirs_top == y_true).astype(float) - (ours_top == y_true))
        lost = float(gain.mean())
        worst_class = max(float(gain[y_true == label].mean()) for label in np.unique(y_true))
    return Row(
        name=name,
        pictures=len(names),
        agreement=float((ours_top == theirs_top).mean()),
        max_difference=float(off.max()),
        worst=names[int(off.argmax())],
        lost=lost,
        worst_class_lost=worst_class,
    )
