"""The parity contract: from the same JPEG bytes, every export answers as Keras does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ExportError

Answers = Callable[[Sequence[bytes]], NDArray[np.float32]]
"""JPEG bytes of N pictures → float32 probabilities (N, C) in label order."""

TOLERANCE = 1e-4
LEAST_PICTURES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far one export is from the trained model.

    `max_difference` is the largest difference of any probability, `agreement` the share of
    pictures with the same top class.
    """

    pictures: int
    max_difference: float
    agreement: float


def require_pictures(jpegs: Sequence[bytes], least: int = LEAST_PICTURES) -> None:
    """Raises `ExportError` where there are too few pictures to prove anything."""
    if len(jpegs) < least:
        raise ExportError(
            found=f"{len(jpegs)} pictures to compare the exports on",
            expected=f"at least {least}",
            fix="add pictures of the training split to those of the test split",
        )


def compare(reference: Answers, candidate: Answers, jpegs: Sequence[bytes]) -> Parity:
    """Returns how far `candidate` is from `reference` on the same JPEG bytes."""
    return difference(reference(jpegs), candidate(jpegs))


def difference(expected: NDArray[np.float32], found: NDArray[np.float32]) -> Parity:
    """Returns how far two (N, C) arrays of probabilities are apart.

    Another shape, or any value that is not a number, counts as infinitely far.
    """
    if expected.shape != found.shape:
        return Parity(pictures=len(expected), max_difference=float("inf"), agreement=0.0)
    gap = np.abs(expected.astype(np.float64) - found)
    same = expected.argmax(axis=1) == found.argmax(axis=1)
    sound = bool(np.isfinite(gap).all())
    return Parity(
        pictures=len(expected),
        max_difference=float(gap.max()) if sound else float("inf"),
        agreement=float(same.mean()) if sound else 0.0,
    )


def require_parity(
    parity: Parity,
    name: str,
    tolerance: float = TOLERANCE,
    least_pictures: int = LEAST_PICTURES,
    least_agreement: float = 1.0,
) -> None:
    """Raises `ExportError` unless the export named `name` is within its bound."""
    if parity.pictures < least_pictures:
        raise ExportError(
            found=f"{name} was compared on {parity.pictures} pictures",
            expected=f"at least {least_pictures}",
            fix="add pictures of the training split to those of the test split",
        )
    if not (parity.max_difference <= tolerance and parity.agreement >= least_agreement):
        raise ExportError(
            found=(
                f"{name} differs from the trained model by up to {parity.max_difference:.2g}, "
                f"with the same top class on {parity.agreement:.1%} of {parity.pictures} pictures"
            ),
            expected=(
                f"at most {tolerance:g}, and the same class on {least_agreement:.0%} of pictures"
            ),
            fix="look for another pixel scale, channel order, resize or label order on its way",
        )
