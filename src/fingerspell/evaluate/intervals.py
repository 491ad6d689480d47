"""How sure an accuracy is: 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959964


def wilson(hits: int, count: int, z: float = Z95) -> tuple[float, float] | None:
    """Returns Wilson's score interval of a share; None for no trials.

        (p + z²/2n ± z √(p (1-p)/n + z²/4n²)) / (1 + z²/n)

    It takes the pictures for independent. Frames of one video are not: see `cluster_bootstrap`.
    Reference: E. B. Wilson, Probable Inference, JASA 22 (1927).
    """
    if count == 0:
        return None
    share, squared = hits / count, z * z / count
    centre = share + squared / 2
    spread = z * np.sqrt(share * (1 - share) / count + squared / (4 * count))
    low, high = (centre - spread) / (1 + squared), (centre + spread) / (1 + squared)
    return max(0.0, float(low)), min(1.0, float(high))


def cluster_bootstrap(
    right: NDArray[np.bool_], groups: Sequence[str], *, rounds: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """Returns the percentile interval of the accuracy when whole groups are drawn anew.

    A group is a signer, a source or a run of near-duplicate frames: its pictures stand or fall
    together, and drawing single pictures would claim a certainty that is not there. None for
    fewer than two groups, which say nothing about how groups differ.
    """
    _, number = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    count = int(number.max()) + 1 if len(number) else 0
    if count < 2:
        return None
    hits = np.bincount(number, weights=right, minlength=count)
    sizes = np.bincount(number, minlength=count)
    drawn = np.random.default_rng(seed).integers(0, count, (rounds, count))
    shares = hits[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)
