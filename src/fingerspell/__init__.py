"""ASL fingerspelling recognition: prepare pictures, train, evaluate, export, recognise.

    from fingerspell import Recogniser

    answer = Recogniser.load().recognise("hand.jpg")

Importing the package is cheap: NumPy and LiteRT are imported with `Recogniser`, on first use.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fingerspell.runtime import Answer, Recogniser

__all__ = ["Answer", "Recogniser", "__version__"]

__version__ = "0.1.0"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
"""TensorFlow leaves oneDNN's kernels out on processors without AVX-512 VNNI and the like, where
they train twice as fast, too. It reads this once, on its import: docs/adr/0014-onednn.md."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Imports the runtime when one of its names is asked for."""
        if name not in ("Answer", "Recogniser"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from fingerspell import runtime

        return getattr(runtime, name)
