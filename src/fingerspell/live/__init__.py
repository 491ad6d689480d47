"""Live rules as pure functions: frames in, text out; no clock, no model, no shared state."""

from fingerspell.live.commit import Held, Holding
from fingerspell.live.session import (
    Counted,
    Live,
    LiveRules,
    commit_now,
    rules_at,
    spell,
    spelled,
    step,
)
from fingerspell.live.smoothing import NO_SIGN, Frame, Smoothed, Smoothing

__all__ = [
    "NO_SIGN", "Counted", "Frame", "Held", "Holding", "Live", "LiveRules", "Smoothed", "Smoothing",
    "commit_now", "rules_at", "spell", "spelled", "step",
]  # fmt: skip
