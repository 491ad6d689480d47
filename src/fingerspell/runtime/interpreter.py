"""A pool of LiteRT interpreters over one model: any number of threads, no waiting in Python.

One interpreter serves one caller at a time. LiteRT releases Python's lock while it computes, so
several interpreters use several cores; they share the model's bytes, and each adds its own
packed weights and activations (about 20–35 MB for MobileNetV3Large).

Pictures run one by one: measured for MobileNetV3Large at 200×200 on one core, batches of 8 and 32
took as long a picture as single ones (6.3 and 7.1 ms against 6.5 ms), and a batch of 32 cost
100 ms and 100 MB to set up.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fingerspell.errors import BundleError
from fingerspell.runtime.answer import Batch, Probabilities

_MOST_INTERPRETERS = 4


def usual_interpreters() -> int:
    """Returns how many pictures are worth computing at once on this machine."""
    return max(1, min(_MOST_INTERPRETERS, os.cpu_count() or 1))


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


def _shapes(interpreter: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the shapes of the one input and the one output; raises `BundleError` otherwise."""
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    kinds = [detail["dtype"] for detail in (*inputs, *outputs)]
    if kinds != [np.float32, np.float32]:
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


class Pool:
    """Up to `most` interpreters, each made when it is first needed."""

    def __init__(self, model: bytes, *, threads: int, most: int) -> None:
        self._model = model
        self._threads = threads
        first = _build(model, threads)
        self.input_shape, self.output_shape = _shapes(first)
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
