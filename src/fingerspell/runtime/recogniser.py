"""`Recogniser`: recognises handshapes in pictures with an exported bundle, on LiteRT."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fingerspell.assets import STARTER
from fingerspell.errors import BundleError
from fingerspell.images import Picture, fit
from fingerspell.labels import chosen_labels
from fingerspell.machine import usable_cores
from fingerspell.runtime.answer import (
    Allowed,
    Answer,
    Batch,
    Probabilities,
    answer,
    check_batch,
    only,
    pixels_of,
)
from fingerspell.runtime.contract import FILE_NAME, Contract, read_contract
from fingerspell.runtime.square import Square, with_square

MODEL_FILES = {
    "float32": "model.tflite", "fp16": "model_fp16.tflite", "int8": "model_int8.tflite",
    "fast": "model_fast_fp16.tflite",
}  # fmt: skip
"""The model of each precision, the most exact first. `fast` is in half precision and has a single
view: a recogniser with a hand crop has it beside the others."""

_AUTO = "auto"
_MOST_INTERPRETERS = 4


def usual_interpreters() -> int:
    """Returns how many pictures are worth computing at once on this machine."""
    return max(1, min(_MOST_INTERPRETERS, usable_cores()))


def _build(model: bytes, threads: int) -> Any:
    """Returns an interpreter ready to run; raises `BundleError` where LiteRT refuses the model."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_content=model, num_threads=threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleError(
            found=f"a TFLite file that does not load ({str(error).splitlines()[0]})",
            expected="a model of builtin operations, without Flex",
            fix="export the run folder again",
        ) from error
    return interpreter


def _shapes(interpreter: Any, more: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the shapes of input and answer; raises `BundleError` unless there are one of each.

    `more` is how many outputs beside the answer were asked for.
    """
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    kinds = [detail["dtype"] for detail in (*inputs, *outputs)]
    if kinds != [np.float32] * (2 + more):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise BundleError(
            found=f"{len(inputs)} inputs and {len(outputs)} outputs of {names}",
            expected="one float32 input and one float32 output",
            fix="export the run folder again; do not quantise inputs and outputs",
        )
    return (
        tuple(int(side) for side in inputs[0]["shape"]),
        tuple(int(side) for side in outputs[0]["shape"]),
    )


class Network(Protocol):
    """What runs a recogniser's model: LiteRT's `Pool`, or TensorFlow."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(1, H, W, 3)."""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """(1, labels)."""

    def run(self, batch: Batch) -> Probabilities:
        """Returns the outputs (N, labels) for float32 (N, H, W, 3)."""

    def watch(self, picture: Batch) -> tuple[Probabilities, Square | None]:
        """Returns the output (labels,) for one picture (1, H, W, 3), and its hand's square."""


class Pool:
    """A pool of up to `most` LiteRT interpreters over one model, each made when first needed.

    With `hand_crop` it can say where the hand is; answers stay the same to the bit.
    One interpreter serves one caller at a time. LiteRT releases Python's lock while it computes, so
    several interpreters use several cores; they share the model's bytes, and each adds its own
    packed weights and activations (about 20–35 MB for MobileNetV3Large).

    Pictures run one by one: measured for MobileNetV3Large at 200×200 on one core, batches of 8 and
    32 took as long a picture as single ones (6.3 and 7.1 ms against 6.5 ms), and a batch of 32
    cost 100 ms and 100 MB to set up.
    """

    def __init__(self, model: bytes, *, threads: int, most: int, hand_crop: bool = False) -> None:
        self._model = with_square(model) if hand_crop else model
        self._threads = threads
        first = _build(self._model, threads)
        self._watches = self._model is not model
        self.input_shape, self.output_shape = _shapes(first, more=3 if self._watches else 0)
        self._free = [first]
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(most)

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        with self._slots:
            with self._lock:
                interpreter = self._free.pop() if self._free else None
            if interpreter is None:
                interpreter = _build(self._model, self._threads)
            try:
                yield interpreter
            finally:
                with self._lock:
                    self._free.append(interpreter)

    def run(self, batch: Batch) -> Probabilities:
        """Returns the float32 outputs (N, labels) for float32 (N, H, W, 3)."""
        rows = np.empty((len(batch), self.output_shape[-1]), np.float32)
        with self._borrowed() as interpreter:
            put = interpreter.get_input_details()[0]["index"]
            got = interpreter.get_output_details()[0]["index"]
            for index in range(len(batch)):
                interpreter.set_tensor(put, np.ascontiguousarray(batch[index : index + 1]))
                interpreter.invoke()
                rows[index] = interpreter.get_tensor(got)[0]
        return rows

    def watch(self, picture: Batch) -> tuple[Probabilities, Square | None]:
        """Returns the output (labels,) for one picture (1, H, W, 3), and its hand's square."""
        with self._borrowed() as interpreter:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
            interpreter.invoke()
            answer, *square = (
                interpreter.get_tensor(x["index"])[0] for x in interpreter.get_output_details()
            )
        if not square:
            return answer, None
        x, y, side = (float(value.item()) for value in square)
        return answer, (x, y, side)


def _choose_precision(asked: str, contract: Contract) -> str:
    """Returns the precision asked for; for `auto` the most exact that the contract lists.

    Raises `BundleError` for an unknown one, and where the contract lists no model at all.
    """
    if asked in MODEL_FILES:
        return asked
    listed = [name for name, file in MODEL_FILES.items() if file in contract.files]
    if asked != _AUTO:
        raise BundleError(
            found=f"precision={asked!r}",
            expected=f"one of {', '.join((_AUTO, *MODEL_FILES))}",
            fix="omit it for the most exact one",
        )
    if not listed:
        raise BundleError(
            found=f"a {FILE_NAME} that lists no model",
            expected=f"one of {', '.join(MODEL_FILES.values())} among its files",
            fix="export the run folder again",
        )
    return listed[0]


def read_model(folder: Path, name: str, contract: Contract) -> bytes:
    """Returns a model's bytes once their SHA-256 is the contract's."""
    path = folder / name
    if not path.is_file():
        raise BundleError(
            found=f"no {name} in {folder}",
            expected=f"the files that {FILE_NAME} lists: {', '.join(contract.files) or 'none'}",
            fix="export the run folder again, or ask for another precision",
        )
    model = path.read_bytes()
    found, expected = hashlib.sha256(model).hexdigest(), contract.files.get(name)
    if found != expected:
        raise BundleError(
            found=f"{path} with SHA-256 {found[:12]}…",
            expected=f"{expected[:12]}…" if expected else f"a file that {FILE_NAME} lists",
            fix="copy the whole folder again, or export it again: files were mixed or damaged",
        )
    return model


def _check_shapes(contract: Contract, input_shape: tuple[int, ...], outputs: int) -> None:
    """Raises `BundleError` where model and contract speak of different things."""
    expected = (contract.height_px, contract.width_px, 3)
    if input_shape[1:] != expected or input_shape[0] != 1:
        raise BundleError(
            found=f"a model that takes {input_shape}",
            expected=f"{(1, *expected)}, as {FILE_NAME} says",
            fix="export the run folder again",
        )
    if outputs != len(contract.labels):
        raise BundleError(
            found=f"a model with {outputs} outputs",
            expected=f"one for each of its {len(contract.labels)} labels",
            fix="export the run folder again",
        )


class Recogniser:
    """Recognises handshapes in pictures; safe to call from any number of threads.

        from fingerspell import Recogniser

        recogniser = Recogniser.load()
        answer = recogniser.recognise("hand.jpg")
        print(answer.label, answer.confidence, answer.accepted, answer.top(3))

    `load` makes one. The same picture always gives the same answer, to the bit.
    """

    mock = False

    def __init__(
        self,
        contract: Contract,
        network: Network,
        precision: str,
        labels: Allowed = None,
        light_model: Callable[[], bytes] | None = None,
    ) -> None:
        """`light_model` reads the TFLite file to send to a web page, None where there is none."""
        _check_shapes(contract, network.input_shape, network.output_shape[-1])
        self.contract = contract
        self.precision = precision
        self.light_model = light_model
        self._network = network
        self.allowed = chosen_labels(labels, contract.labels)

    @classmethod
    def load(
        cls,
        folder: str | Path = STARTER,
        *,
        precision: str = _AUTO,
        threads: int = 1,
        parallel: int | None = None,
        threshold: float | None = None,
        labels: Allowed = None,
    ) -> Recogniser:
        """Loads a bundle: a finished run folder, or by default the released recogniser.

        `precision` is `auto` (the most exact that is there), `float32`, `fp16`, `int8` or `fast` (a
        single view in half precision, of a recogniser with a hand crop),
        `threads` how many cores one picture may use, `parallel` how many pictures are
        computed at once (default: one a core, at most 4); each costs about 30 MB. `threshold` is
        the probability from which an answer is accepted (default: the bundle's). `labels` allows
        only some of the bundle's labels, as a list or as text (`A-Z`): the others get probability
        0 and the allowed ones add up to 1, so a background is read as one of them, too.

        Raises `ConfigError` for a label that the bundle does not have.
        Raises `BundleError` where the folder holds no bundle, a file is missing or its SHA-256 is
        not the one in `recogniser.json`, or model and contract do not fit together.
        """
        folder = Path(folder)
        contract = read_contract(folder)
        if threshold is not None:
            contract = replace(contract, threshold=threshold)
        precision = _choose_precision(precision, contract)
        model, most = read_model(folder, MODEL_FILES[precision], contract), parallel
        crop = contract.origin.get("views") == "hand_crop" and precision != "fast"
        pool = Pool(model, threads=threads, most=most or usual_interpreters(), hand_crop=crop)
        half = precision == "float32" and (folder / MODEL_FILES["fp16"]).is_file()
        light = MODEL_FILES["fp16" if half else precision]
        return cls(contract, pool, precision, labels, partial(read_model, folder, light, contract))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in prediction order."""
        return self.contract.labels

    @property
    def size_px(self) -> tuple[int, int]:
        """(height, width) of the network's input."""
        return self.contract.height_px, self.contract.width_px

    @property
    def threshold(self) -> float:
        """The probability from which an answer is accepted."""
        return self.contract.threshold

    @property
    def name(self) -> str:
        """The backbone and the precision."""
        return f"{self.contract.backbone or 'recogniser'} {self.precision}"

    def probabilities(self, batch: Batch) -> Probabilities:
        """Returns float32 (N, labels) for float32 (N, H, W, 3) in [0, 1]; N may be 0.

        Labels that are not allowed have 0.
        """
        check_batch(batch, self.size_px)
        return only(self._network.run(batch), self.labels, self.allowed)

    def recognise(self, picture: Picture, labels: Allowed = None) -> Answer:
        """Returns the answer for one picture of any size; `labels` are those allowed for it.

        `picture` is a path, the bytes of an encoded file (JPEG, PNG, WebP, …), or decoded pixels:
        uint8 (height, width, 3), RGB in [0, 255]. It is padded with black to the network's aspect
        ratio and resized. Raises `PictureError` for a missing or damaged file, and for an array
        of another dtype or shape.
        """
        return self.watch(picture, labels)[0]

    def watch(self, picture: Picture, labels: Allowed = None) -> tuple[Answer, Square | None]:
        """Returns the answer for one picture, as `recognise` does, and its hand's square.

        None from a recogniser with a single view. The square is the hand's own and not the crop's,
        which is moved into the picture; where there is no hand it lies anywhere, and is small.
        """
        row, square = self._network.watch(fit(pixels_of(picture), self.size_px)[None])
        allowed = self.allowed if labels is None else chosen_labels(labels, self.labels)
        row = only(row[None], self.labels, allowed)[0]
        return answer(row, self.labels, self.threshold), square
