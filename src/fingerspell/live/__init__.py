"""Live rules as pure functions: frames in, text out; no clock, no model, no shared state."""

from fingerspell.live.evidence import Evidence
from fingerspell.live.frame import Frame, Sign
from fingerspell.live.session import (
    RULES,
    Counted,
    Live,
    LiveRules,
    commit_now,
    rules_as_json,
    rules_at,
    spell,
    spelled,
    step,
    typed,
)
from fingerspell.live.strokes import Strokes
from fingerspell.live.voting import Voting

__all__ = [
    "RULES", "Counted", "Evidence", "Frame", "Live", "LiveRules", "Sign", "Strokes", "Voting",
    "commit_now", "rules_as_json", "rules_at", "spell", "spelled", "step", "typed",
]  # fmt: skip
