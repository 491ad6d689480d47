"""When a shown sign counts as made: long enough, in enough frames, and once per hold.

Every label has a bucket of seconds. It fills while the label is shown and drains as fast while it
is not; when it holds `hold_s`, the sign counts and all buckets are emptied:

    filled' = filled + credit    while shown
    filled' = max(0, filled - credit)    otherwise
    credit  = min(elapsed, hold_s / least_frames)

Time and not the number of frames fills a bucket, so 10 fps and 30 fps reach the same text; a
flicker costs twice its length instead of starting the hold again. The cap on the credit is the
least number of frames: after a pause one frame never stands for more than its share of the hold.

The sign that counted last is locked. It counts again only when it was away for `release_s`,
measured by the same rule (no letter and another letter are both "away"). Another sign that
counts takes the lock over, so A B A needs no pause.

**Slow senders** (one photograph every 0.2 to 3 seconds): with `least_frames=2` two photographs in
succession that agree make a letter, a single one never does, and two that disagree with it are a
release. Further apart than `gap_s` frames say nothing about each other: everything but the text
is forgotten. Whoever takes one photograph a letter says so, see `session.commit_now`.
"""

from dataclasses import dataclass

from fingerspell.errors import checks_of
from fingerspell.live.smoothing import check_elapsed

_ROUNDING_S = 1e-6
"""Sums of frame times miss the exact hold by less than this."""

_SHORTEST_S = 1e-3
"""What a hold of no time is taken for, so that its frames can still be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """How long a sign must hold, and be away before it may count again (seconds, frames).

    With `hold_s=0` the least number of frames, at moments of their own, decides.
    """

    hold_s: float = 0.4
    release_s: float = 0.25
    least_frames: int = 2
    gap_s: float = 3.0

    def __post_init__(self) -> None:
        check = checks_of(self)
        check("hold_s", 0 <= self.hold_s < self.gap_s,
              f"seconds from 0 to below {self.gap_s:g} (gap_s)", "use 0.4")  # fmt: skip
        check("release_s", 0 < self.release_s < self.gap_s,
              f"seconds above 0 and below {self.gap_s:g} (gap_s)", "use 0.25")  # fmt: skip
        check("least_frames", self.least_frames >= 2, "2 or more: one stray frame must not write",
              "use 2")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """Seconds in each label's bucket (empty ones left out), and the lock.

    `counted` is the sign that this very step counted. `frames` is how many frames the stream has
    had, 2 standing for "or more": how long the first stands for is known when the second arrives.
    """

    filled: tuple[tuple[str, float], ...] = ()
    locked: str | None = None
    away_s: float = 0.0
    counted: str | None = None
    frames: int = 0


def step(state: Held, shown: str | None, elapsed_s: float, how: Holding) -> Held:
    """Folds in one smoothed answer, `elapsed_s` seconds after the one before."""
    check_elapsed(elapsed_s)
    if state.frames == 0 or elapsed_s > how.gap_s:
        return Held(filled=_fill((), shown, 0.0, 0.0), frames=1)
    locked, away_s = _release(state, shown, elapsed_s, how)
    hold_s = max(how.hold_s, _SHORTEST_S)
    credit = min(elapsed_s, hold_s / how.least_frames)
    # The first frame of a stream stands for as long as the second.
    gain = 2 * credit if state.frames == 1 and shown in dict(state.filled) else credit
    filled = _fill(state.filled, shown if shown != locked else None, credit, gain)
    made = dict(filled).get(shown, 0.0) if shown is not None else 0.0
    if made >= hold_s - _ROUNDING_S:
        return Held(locked=shown, counted=shown, frames=2)
    return Held(filled, locked, away_s, frames=2)


def _release(
    state: Held, shown: str | None, elapsed_s: float, how: Holding
) -> tuple[str | None, float]:
    """Returns the lock and how long the locked sign has been away."""
    if state.locked is None:
        return None, 0.0
    credit = min(elapsed_s, how.release_s / how.least_frames)
    if shown == state.locked:
        return state.locked, max(0.0, state.away_s - credit)
    away_s = state.away_s + credit
    return (None, 0.0) if away_s >= how.release_s - _ROUNDING_S else (state.locked, away_s)


def _fill(
    filled: tuple[tuple[str, float], ...], shown: str | None, drain_s: float, gain_s: float
) -> tuple[tuple[str, float], ...]:
    """Drains every bucket but the shown one, which gains."""
    drained = ((label, s - drain_s) for label, s in filled if label != shown)
    left = tuple((label, s) for label, s in drained if s > _ROUNDING_S)
    return left if shown is None else (*left, (shown, dict(filled).get(shown, 0.0) + gain_s))
