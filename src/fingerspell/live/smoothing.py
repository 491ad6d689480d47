"""Majority vote over the last camera frames: what is shown, not yet what is written.

A frame votes for its label, or for *no letter* when it is below the threshold or says `nothing`.
*No letter* is a candidate like any other, so one lucky frame among unsure ones stays unseen.
"""

import math
from dataclasses import dataclass

from fingerspell.errors import ConfigError, checks_of

NO_SIGN = "nothing"
"""The class of pictures without a sign."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """`votes` frames vote, none older than `window_s`; `threshold` is the recogniser's probability.

    A slow sender's frames (one photograph a second) are alone in the window: each then answers
    for itself, and two seconds of lag are not added.
    """

    threshold: float
    votes: int = 5
    window_s: float = 0.5

    def __post_init__(self) -> None:
        check = checks_of(self, "smoothing.")
        check("votes", 1 <= self.votes <= 99, "a whole number of frames from 1 to 99", "use 3 to 5")
        check("window_s", self.window_s > 0, "a time above 0 seconds", "use 0.5")
        check("threshold", 0 <= self.threshold <= 1, "a probability from 0 to 1", "use 0.7")


@dataclass(frozen=True, slots=True)
class _Vote:
    """One frame's vote (`None`: no letter) and its age in seconds."""

    label: str | None
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Smoothed:
    """The votes that still count, oldest first, and the answer to show (`None`: no letter)."""

    votes: tuple[_Vote, ...] = ()
    shown: str | None = None


def vote_of(frame: Frame, how: Smoothing) -> str | None:
    """Returns the label a frame votes for, or `None`."""
    sure = frame.confidence >= how.threshold and frame.label != NO_SIGN
    return frame.label if sure else None


def _winner(votes: tuple[_Vote, ...]) -> str | None:
    """Returns the most frequent label; of tied labels the one voted for last."""
    labels = [vote.label for vote in votes]
    newest_first = labels[::-1]
    # `max` returns the first of equals, here the newest.
    return max(newest_first, key=labels.count) if labels else None


def step(state: Smoothed, frame: Frame, elapsed_s: float, how: Smoothing) -> Smoothed:
    """Adds one frame's vote, `elapsed_s` seconds after the one before."""
    check_elapsed(elapsed_s)
    aged = (_Vote(vote.label, vote.age_s + elapsed_s) for vote in state.votes)
    fresh = tuple(vote for vote in aged if vote.age_s <= how.window_s)
    votes = (*fresh, _Vote(vote_of(frame, how)))[-how.votes :]
    return Smoothed(votes, _winner(votes))


def check_elapsed(elapsed_s: float) -> None:
    """Raises `ConfigError` unless time stands still or goes forward."""
    if not (elapsed_s >= 0 and math.isfinite(elapsed_s)):
        raise ConfigError(
            found=f"elapsed_s={elapsed_s}",
            expected="the seconds since the frame before, 0 or more",
            fix="hand frames over in the order in which they were taken",
        )
