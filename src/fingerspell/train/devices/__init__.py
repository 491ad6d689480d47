"""One file per Keras backend: finds its GPUs and sets them up. Nothing else names a backend."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import keras


@dataclass(frozen=True, slots=True)
class Device:
    """Where the run computes. `precision` is Keras's policy name."""

    backend: str
    gpus: tuple[str, ...]
    precision: str


def prepare_device() -> Device:
    """Sets up memory growth and mixed precision where a GPU is; float32 on the CPU."""
    name = keras.backend.backend()
    backend = importlib.import_module(f"fingerspell.train.devices.{name}")
    gpus = tuple(backend.prepare_gpus())
    precision = backend.mixed_precision() if gpus else "float32"
    keras.config.set_dtype_policy(precision)
    return Device(backend=name, gpus=gpus, precision=precision)
