"""What goes into the live rules and what comes out: frames and signs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fingerspell.errors import ConfigError, require

_ABOVE_ONE = 1e-3
"""How far above 1 a probability may be rounded."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the recogniser saw in one camera frame.

    `probabilities` (C,) in label order, as a tuple or an array. `hand` is x, y and side of the
    square around the hand, as shares of the picture; `motion` the mean absolute change of the
    picture since the frame before, in standard deviations of the picture (see `runtime.motion`).
    Both may be unknown (`None`). Raises `ConfigError` for numbers that cannot be.
    """

    probabilities: tuple[float, ...]
    hand: tuple[float, float, float] | None = None
    motion: float | None = None

    def __post_init__(self) -> None:
        numbers = tuple(min(float(p), 1.0) if p <= 1 + _ABOVE_ONE else p for p in
                        _plain(self.probabilities))  # fmt: skip
        wrong = next((p for p in numbers if not 0 <= p <= 1), None)  # also NaN
        require(wrong is None, found=f"a probability of {wrong}", expected="probabilities, 0 to 1",
                fix="hand over the recogniser's probabilities, not its logits")  # fmt: skip
        object.__setattr__(self, "probabilities", numbers)
        more = (*(self.hand or (0.0, 0.0, 1.0)), 0.0 if self.motion is None else self.motion)
        require(all(map(math.isfinite, more)) and more[2] > 0 and more[3] >= 0,
                found=f"hand={self.hand}, motion={self.motion}",
                expected="x, y and side of the hand, and a motion of 0 or more, or None",
                fix="use None for what is unknown")  # fmt: skip


def _plain(numbers: Sequence[float]) -> Sequence[float]:
    """Returns an array's numbers as Python's own."""
    plain: Sequence[float] = getattr(numbers, "tolist", lambda: numbers)()
    return plain


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign that counted.

    `start_s` and `end_s` say from when to when it was seen, in seconds of the stream: until it
    counted, and after that as long as it was held. `evidence` (C,) is the mean of the frames'
    probabilities in that time, in label order. `written` is what it added to the text.
    """

    label: str
    start_s: float
    end_s: float
    evidence: tuple[float, ...]
    written: str = ""


def check_elapsed(elapsed_s: float) -> None:
    """Raises `ConfigError` unless time stands still or goes forward."""
    if not (elapsed_s >= 0 and math.isfinite(elapsed_s)):
        raise ConfigError(
            found=f"elapsed_s={elapsed_s}",
            expected="the seconds since the frame before, 0 or more",
            fix="hand frames over in the order in which they were taken",
        )
