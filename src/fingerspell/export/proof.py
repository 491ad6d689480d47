"""Proves every exported file equal to the trained model: each way in, on the same JPEG bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fingerspell import images
from fingerspell.export import graphs, onnx, parity, tflite
from fingerspell.export.parity import Answers, Parity, difference, require_parity
from fingerspell.images import Pixels
from fingerspell.labels import ALPHABET
from fingerspell.runtime.contract import Contract
from fingerspell.synth import draw

_BATCH = 32
FP16_AGREEMENT = 0.99
_INT8_AGREEMENT = 0.97
_NO_LIMIT = float("inf")
_SEED = 5
_Opener = Callable[[Path, tuple[int, int]], Answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """What one export is held to. An `advisory` bound is reported and warned of, never refused."""

    tolerance: float = parity.TOLERANCE
    agreement: float = 1.0
    advisory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Check:
    """One way into one export, and its bound."""

    name: str
    open: _Opener
    bound: _Bound = _Bound()


def hands(labels: Sequence[str], size_px: tuple[int, int], count: int) -> dict[str, Pixels]:
    """Returns `count` hands, uint8 (h, w, 3), by name such as `synthetic/A/5.jpg`.

    They show the labels in turn, no two alike; a recogniser of signs that cannot be drawn gets the
    alphabet, which is as good a picture for comparing two ways of answering.
    """
    shown = [label for label in labels if label in ALPHABET] or ALPHABET
    chosen = [(shown[i % len(shown)], _SEED + i // len(shown)) for i in range(count)]
    return {f"synthetic/{x}/{seed}.jpg": draw(x, seed, size_px).rgb for x, seed in chosen}


def asked(model: Any, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the trained model's own answers (N, C) to fitted pictures (N, h, w, 3)."""
    answers: NDArray[np.float32] = model.predict(batch, batch_size=_BATCH, verbose=0)
    return answers


def of_keras(model: Any, size_px: tuple[int, int]) -> Answers:
    """Returns the trained model itself: the reference."""
    return lambda jpegs: asked(model, fitted(jpegs, size_px))


def fitted(jpegs: Sequence[bytes], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """Returns the network input (N, h, w, 3) of JPEG bytes, as every caller computes it."""
    return np.stack([images.load(jpeg, size_px) for jpeg in jpegs])


def _of_saved_model_pixels(folder: Path, size_px: tuple[int, int]) -> Answers:
    """Returns the SavedModel's `serving_default` signature, fed with pixels."""
    loaded = _load(folder)
    signature = loaded.signatures[graphs.PIXELS_SIGNATURE]

    def ask(batch: Any) -> Any:
        return signature(image=batch)["probabilities"].numpy()

    # The signature lives no longer than what it was loaded with.
    return lambda jpegs, _owner=loaded: _batched(ask, fitted(jpegs, size_px))  # type: ignore[misc]


def _of_saved_model_bytes(folder: Path, _size_px: tuple[int, int]) -> Answers:
    """Returns the SavedModel's `serving_bytes` signature, fed with whole batches of bytes."""
    import tensorflow as tf

    loaded = _load(folder)
    name = graphs.BYTES_SIGNATURE if graphs.BYTES_SIGNATURE in loaded.signatures else "jpeg"
    signature = loaded.signatures[name]  # `jpeg` until December 2026.
    (entry,) = signature.structured_input_signature[1]

    def ask(batch: Any) -> Any:
        return signature(**{entry: tf.constant(list(batch))})["probabilities"].numpy()

    return lambda jpegs, _owner=loaded: _batched(ask, jpegs)  # type: ignore[misc]


def _of_frozen_pixels(folder: Path, size_px: tuple[int, int]) -> Answers:
    """Returns the frozen graph fed at `image:0`."""
    session = _session(folder)
    feed, fetch = f"{graphs.PIXELS_TENSOR}:0", f"{graphs.ANSWER}:0"
    return lambda jpegs: _batched(
        lambda batch: session.run(fetch, {feed: batch}), fitted(jpegs, size_px)
    )


def _of_frozen_jpeg(folder: Path, _size_px: tuple[int, int]) -> Answers:
    """Returns the frozen graph fed at `DecodeJpeg/contents:0`, one picture at a time."""
    session = _session(folder)
    feed, fetch = f"{graphs.JPEG_TENSOR}:0", f"{graphs.ANSWER}:0"
    return lambda jpegs: np.concatenate([session.run(fetch, {feed: jpeg}) for jpeg in jpegs])


def _of_tflite(name: str) -> _Opener:
    """Returns what opens a TFLite file, which LiteRT runs without Flex."""

    def opened(folder: Path, size_px: tuple[int, int]) -> Answers:
        # Not mapped: Windows cannot move a file that is mapped.
        content = (folder / name).read_bytes()
        return lambda jpegs: tflite.probabilities(content, fitted(jpegs, size_px))

    return opened


def _of_onnx(folder: Path, size_px: tuple[int, int]) -> Answers:
    """Returns the ONNX file, in ONNX Runtime."""
    ask = onnx.open_answers(folder / onnx.FILE_NAME)
    return lambda jpegs: _batched(ask, fitted(jpegs, size_px))


def _batched(ask: Any, inputs: Sequence[Any] | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([ask(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)])


def _load(folder: Path) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(folder / graphs.FOLDER))


def _session(folder: Path) -> Any:
    """Returns a TensorFlow 1 session over the frozen graph, names unchanged."""
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString((folder / graphs.FILE_NAME).read_bytes())
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(graph_def, name="")
    return tf.compat.v1.Session(graph=graph)


_CHECKS = (
    _Check(name="saved_model serving_default", open=_of_saved_model_pixels),
    _Check(name="saved_model serving_bytes", open=_of_saved_model_bytes),
    _Check(name="frozen image:0", open=_of_frozen_pixels),
    _Check(name="frozen DecodeJpeg/contents:0", open=_of_frozen_jpeg),
    _Check(name="tflite float32", open=_of_tflite(tflite.FILES["float32"])),
    _Check(
        name="tflite fp16",
        open=_of_tflite(tflite.FILES["fp16"]),
        bound=_Bound(tolerance=_NO_LIMIT, agreement=FP16_AGREEMENT),
    ),
    _Check(
        name="tflite int8",
        open=_of_tflite(tflite.FILES["int8"]),
        bound=_Bound(tolerance=_NO_LIMIT, agreement=_INT8_AGREEMENT, advisory=True),
    ),
)

ONNX_CHECKS = (_Check(name="onnx", open=_of_onnx),)
"""Where the extra `onnx` is installed."""

SINGLE_VIEW_CHECKS = (
    _Check(
        name="tflite fast",
        open=_of_tflite(tflite.FAST),
        bound=_Bound(tolerance=_NO_LIMIT, agreement=FP16_AGREEMENT),
    ),
)
"""Of a recogniser with a hand crop: its reference is the trained network with a single view."""


def prove(
    expected: NDArray[np.float32],
    folder: Path,
    contract: Contract,
    pictures: Mapping[str, bytes],
    checks: Sequence[_Check] = _CHECKS,
) -> dict[str, Any]:
    """Returns the parity report of the exports in `folder`; raises `ExportError` at the first
    that fails its bound, and names the worst picture.

    `expected` are the trained model's probabilities (N, C) for `pictures`, JPEG bytes by name.
    `{"pictures": N, "exports": {name: {pictures, max_difference, agreement, …}}, "warnings": […]}`
    """
    jpegs, size_px = list(pictures.values()), (contract.height_px, contract.width_px)
    exports: dict[str, Any] = {}
    warnings: list[str] = []
    for check in checks:
        print(f"  proving {check.name} …", flush=True)
        found = check.open(folder, size_px)(jpegs)
        near = difference(expected, found)
        worst = _worst(near, expected, found, list(pictures), contract.labels)
        held = _hold(check, near, _said(worst))
        if not held:
            warnings.append(
                f"{check.name} names the trained model's class on {near.agreement:.1%} of "
                f"pictures, less than {check.bound.agreement:.0%}: prefer another precision"
            )
        exports[check.name] = {
            **asdict(near), "worst": worst, "bound": _bound(check.bound), "held": held
        }  # fmt: skip
    return {"pictures": len(jpegs), "exports": exports, "warnings": warnings}


def _worst(
    near: Parity, expected: NDArray[np.float32], found: NDArray[np.float32],
    names: Sequence[str], labels: Sequence[str],
) -> dict[str, Any] | None:  # fmt: skip
    """Returns which picture is furthest off, and what trained model and export take it for."""
    if near.worst is None:
        return None
    rows = {"trained_model": expected[near.worst], "export": found[near.worst]}
    return {"picture": names[near.worst]} | {
        who: {"label": labels[int(row.argmax())], "probability": float(row.max())}
        for who, row in rows.items()
    }


def _said(worst: dict[str, Any] | None) -> str:
    """Returns the worst picture in words."""
    if worst is None:
        return ""
    ours, theirs = worst["trained_model"], worst["export"]
    return (
        f"{worst['picture']}, which the trained model takes for {ours['label']} "
        f"({ours['probability']:.4f}) and the export for {theirs['label']} "
        f"({theirs['probability']:.4f})"
    )


def _hold(check: _Check, near: Parity, where: str = "") -> bool:
    """Returns whether an advisory bound holds; raises `ExportError` where a strict one does not."""
    bound = check.bound
    if bound.advisory:
        return near.agreement >= bound.agreement
    require_parity(near, check.name, bound.tolerance, bound.agreement, where)
    return True


def _bound(bound: _Bound) -> dict[str, Any]:
    tolerance = None if bound.tolerance == _NO_LIMIT else bound.tolerance
    return {"tolerance": tolerance, "agreement": bound.agreement, "advisory": bound.advisory}
