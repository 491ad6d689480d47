"""Majority vote over the last camera frames, in front of the evidence.

A frame votes for its best label, or for *no letter* when it is below the threshold or says
`nothing`. *No letter* is a candidate like any other. What more than half of the votes say is what
the frame then speaks for, with certainty; without such a majority it speaks for no letter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fingerspell.errors import checks_of
from fingerspell.labels import NOTHING

Votes = tuple[tuple[int | None, float], ...]
"""Each vote, oldest first: the label's number (`None`: no letter) and the vote's age in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voting:
    """`votes` frames vote, none older than `window_s`; `threshold` is a probability.

    A slow sender's frames (one photograph a second) are alone in the window: each then answers
    for itself, and two seconds of lag are not added.
    """

    threshold: float = 0.7
    votes: int = 5
    window_s: float = 0.5

    def __post_init__(self) -> None:
        check = checks_of(self, "voting.")
        check("votes", 1 <= self.votes <= 99, "a whole number of frames from 1 to 99", "use 3 to 5")
        check("window_s", self.window_s > 0, "a time above 0 seconds", "use 0.5")
        check("threshold", 0 <= self.threshold <= 1, "a probability from 0 to 1", "use 0.7")


def best_of(row: Sequence[float], threshold: float, labels: Sequence[str]) -> int | None:
    """Returns the number of the likeliest label; `None` below the threshold and for `nothing`."""
    best = max(range(len(row)), key=row.__getitem__)
    return best if row[best] >= threshold and labels[best] != NOTHING else None


def step(state: Votes, vote: int | None, elapsed_s: float, how: Voting) -> Votes:
    """Adds one frame's vote, `elapsed_s` seconds after the one before."""
    aged = ((label, age_s + elapsed_s) for label, age_s in state)
    fresh = tuple((label, age_s) for label, age_s in aged if age_s <= how.window_s)
    return (*fresh, (vote, 0.0))[-how.votes :]


def majority(state: Votes) -> int | None:
    """Returns the label that more than half of the votes name, or `None`."""
    labels = [label for label, _ in state]
    return next((label for label in labels if 2 * labels.count(label) > len(labels)), None)
