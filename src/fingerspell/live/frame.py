"""What one camera frame says."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fingerspell.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Frame:
    """The recogniser's best label for one frame and how sure it is (a probability)."""

    label: str
    confidence: float

    def __post_init__(self) -> None:
        if not 0 <= self.confidence <= 1:  # also refuses NaN
            raise ConfigError(
                found=f"confidence={self.confidence}",
                expected="a probability from 0 to 1",
                fix="hand over the recogniser's probability, not its logit",
            )


def check_elapsed(elapsed_s: float) -> None:
    """Raises `ConfigError` unless time stands still or goes forward."""
    if not (elapsed_s >= 0 and math.isfinite(elapsed_s)):
        raise ConfigError(
            found=f"elapsed_s={elapsed_s}",
            expected="the seconds since the frame before, 0 or more",
            fix="hand frames over in the order in which they were taken",
        )
