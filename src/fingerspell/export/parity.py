"""The parity contract: from the same JPEG bytes, every export answers as Keras does."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fingerspell.errors import ExportError

Answers = Callable[[Sequence[bytes]], NDArray[np.float32]]
"""JPEG bytes of N pictures → float32 probabilities (N, C) in label order."""

TOLERANCE = 1e-4
LEAST_PICTURES = 200
"""Every export is compared on so many; synthetic hands make up for what a data set lacks."""

_NEAR_TIE = 0.01
"""Two classes whose probabilities are so close are an undecided answer: naming the other is no
fault of an export that is itself within its tolerance. A network that hardly learnt has many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far one export is from the trained model.

    `max_difference` is the largest difference of any probability, `agreement` the share of
    pictures with the same top class; `near_ties` of the others had that class within 0.01 of the
    first. `worst` is the number of the picture that is furthest off: of those with another top
    class, where there are any; `None` where the shapes differ.
    """

    pictures: int
    max_difference: float
    agreement: float
    near_ties: int = 0
    worst: int | None = field(default=None, compare=False)


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
    lead = (
        expected.max(axis=1) - np.take_along_axis(expected, found.argmax(axis=1)[:, None], 1)[:, 0]
    )
    sound = bool(np.isfinite(gap).all())
    furthest = np.nan_to_num(gap, nan=np.inf).max(axis=1)
    return Parity(
        pictures=len(expected),
        max_difference=float(gap.max()) if sound else float("inf"),
        agreement=float(same.mean()) if sound else 0.0,
        near_ties=int((~same & (lead <= _NEAR_TIE)).sum()) if sound else 0,
        worst=int(np.lexsort((furthest, ~same))[-1]) if len(gap) else None,
    )


def require_parity(
    parity: Parity, name: str, tolerance: float = TOLERANCE, least_agreement: float = 1.0,
    where: str = "",
) -> None:  # fmt: skip
    """Raises `ExportError` unless the export named `name` is within its bound.

    Near ties do not count as another class; of few pictures, one may be where `least_agreement`
    is below 1. `where` says of the worst picture which it is, and what it is taken for.
    """
    others = round((1 - parity.agreement) * parity.pictures) - parity.near_ties
    most = max(1, int((1 - least_agreement) * parity.pictures)) if least_agreement < 1 else 0
    if not (parity.max_difference <= tolerance and others <= min(most, parity.pictures - 1)):
        raise ExportError(
            found=(
                f"{name} differs from the trained model by up to {parity.max_difference:.2g}, "
                f"with the same top class on {parity.agreement:.1%} of {parity.pictures} pictures"
                + (f"; worst: {where}" if where else "")
            ),
            expected=(
                f"at most {tolerance:g}, and the same class on {least_agreement:.0%} of pictures"
            ),
            fix="look for another pixel scale, channel order, resize or label order on its way",
        )
