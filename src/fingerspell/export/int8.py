"""The 8-bit file: computing in 8 bits where the network bears it, else 8-bit weights only.

MobileNetV3's hard-swish and squeeze-excite may not survive 8-bit activations, and whether they do
depends on the trained weights. So it is measured for each model (docs/adr/0003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ExportError
from fingerspell.export import tflite
from fingerspell.export.parity import difference

LEAST_REPRESENTATIVE = 20
LEAST_AGREEMENT = 0.98
"""Of full int8 with float32, on pictures that neither trained the network nor set the ranges: on
training pictures a network is so sure of itself that full int8 agreed on 100 % of them and on
94.6 % of unseen ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8:
    """A TFLite file, what has 8 bits inside, and how full int8 did (None: it does not load)."""

    content: bytes
    inside: Literal["weights and activations", "weights"]
    full_agreement: float | None


def require_representative(representative: Sequence[NDArray[np.float32]]) -> None:
    """Raises `ExportError` for fewer than 20 pictures."""
    if len(representative) < LEAST_REPRESENTATIVE:
        raise ExportError(
            found=f"{len(representative)} representative pictures",
            expected=f"at least {LEAST_REPRESENTATIVE} real ones, to set the int8 ranges",
            fix="pass fitted pictures of the training split",
        )


def convert_int8(
    model: Any,
    representative: Sequence[NDArray[np.float32]],
    float32: bytes,
    unseen: NDArray[np.float32],
) -> Int8:
    """Returns full int8 where it names `float32`'s class often enough, else 8-bit weights.

    `representative` are real training pictures, float32 (h, w, 3) in [0, 1]: random noise sets
    wrong ranges. `unseen` (N, h, w, 3) are the pictures that decide. Raises `ExportError` for
    fewer than 20 representative ones.
    """
    require_representative(representative)
    full = tflite.convert(model, "int8", representative)
    agreement = _agreement(float32, full, unseen)
    if agreement is not None and agreement >= LEAST_AGREEMENT:
        return Int8(content=full, inside="weights and activations", full_agreement=agreement)
    return Int8(content=tflite.convert(model, "int8"), inside="weights", full_agreement=agreement)


def _agreement(float32: bytes, full: bytes, pictures: NDArray[np.float32]) -> float | None:
    """Returns the share of pictures with the same top class, None where int8 does not load."""
    try:
        found = tflite.probabilities(full, pictures)
    except (RuntimeError, ValueError):  # Ranges that a quantised hard-swish cannot express.
        return None
    return difference(tflite.probabilities(float32, pictures), found).agreement
