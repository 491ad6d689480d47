"""Random numbers around what a picture is now.

`Generator.random` takes a quarter of the time of `uniform`, and a picture needs twenty numbers.
"""

from __future__ import annotations

import numpy as np


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform from `low` up to, not including, `high`."""
    return low + (high - low) * rng.random()


def either(rng: np.random.Generator, most: float) -> float:
    """Uniform in ±most."""
    return most * (2 * rng.random() - 1)


def factor(rng: np.random.Generator, most: float) -> float:
    """A factor around 1, as likely 1 + most as its inverse."""
    return float((1 + most) ** (2 * rng.random() - 1))
