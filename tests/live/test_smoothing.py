"""The majority vote over the last frames."""

from __future__ import annotations

import pytest

from fingerspell.errors import ConfigError
from fingerspell.live import Frame, Smoothed, Smoothing
from fingerspell.live import smoothing as smoothing_module
from helpers.signs import frame

TENTH_S = 0.1


def shown(names: str, how: Smoothing | None = None, elapsed_s: float = TENTH_S) -> str | None:
    state = Smoothed()
    for name in names:
        state = smoothing_module.step(state, frame(name), elapsed_s, how or Smoothing())
    return state.shown


VOTES = {
    "before the first frame nothing is shown": ("", None),
    "the most frequent of the last five wins": ("BBAAA", "A"),
    "one stray frame does not replace a held letter": ("AAAAAB", "A"),
    "a vote is forgotten after five frames": ("AAAAABBB", "B"),
    "of tied letters the newest wins": ("AABBC", "B"),
    "and whichever is the newest": ("BBAAC", "A"),
    "a frame below the threshold votes for no letter": ("?????", None),
    "and outvotes a letter": ("A????", None),
    "the class nothing is no letter however sure": ("-----", None),
    "unsure frames and nothing vote together": ("AA-?-", None),
}


@pytest.mark.parametrize(("names", "letter"), VOTES.values(), ids=VOTES)
def test_which_letter_is_shown(names: str, letter: str | None):
    assert shown(names) == letter


def test_three_votes_follow_sooner_than_five():
    assert shown("AAAAABB") == "A"
    assert shown("AAAAABB", Smoothing(votes=3)) == "B"


def test_a_frame_exactly_at_the_threshold_counts():
    state = smoothing_module.step(Smoothed(), Frame("A", 0.7), 0.0, Smoothing(threshold=0.7))
    assert state.shown == "A"


def test_votes_older_than_the_window_are_gone():
    assert shown("AAAAB", elapsed_s=1.0) == "B"


def test_the_state_never_grows_beyond_the_votes():
    state = Smoothed()
    for _ in range(1000):
        state = smoothing_module.step(state, frame("A"), 0.001, Smoothing())
    assert len(state.votes) == 5


def test_a_step_leaves_the_state_before_as_it_was():
    before = smoothing_module.step(Smoothed(), frame("A"), 0.0, Smoothing())
    smoothing_module.step(before, frame("B"), 0.1, Smoothing())
    assert before.shown == "A" and len(before.votes) == 1


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_that_is_no_probability_is_refused(confidence: float):
    with pytest.raises(ConfigError, match="probability"):
        Frame("A", confidence)


@pytest.mark.parametrize("elapsed_s", [-0.01, float("nan"), float("inf")])
def test_time_that_runs_backwards_is_refused(elapsed_s: float):
    with pytest.raises(ConfigError, match="elapsed_s"):
        smoothing_module.step(Smoothed(), frame("A"), elapsed_s, Smoothing())


@pytest.mark.parametrize(
    "setting", [{"votes": 0}, {"window_s": 0.0}, {"threshold": 0.0}, {"threshold": 1.0}]
)
def test_settings_that_cannot_work_are_refused(setting: dict[str, float]):
    with pytest.raises(ConfigError):
        Smoothing(**setting)  # type: ignore[arg-type]
