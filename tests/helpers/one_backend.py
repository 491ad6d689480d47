"""A process of its own for one Keras backend."""

import os
import sys
from typing import Any


class _Absent:
    @staticmethod
    def find_spec(name: str, *_: Any) -> None:
        if name == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def leave_tensorflow_out() -> None:
    """Makes TensorFlow absent where JAX is chosen: Keras would load it for its seed,
    which takes six seconds.
    """
    if os.environ.get("KERAS_BACKEND") == "jax":
        sys.meta_path.insert(0, _Absent())  # type: ignore[arg-type]
