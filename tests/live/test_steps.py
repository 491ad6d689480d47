"""The majority vote over the last frames; when a sign counts, and when it counts again."""

import pytest

from fingerspell.errors import ConfigError
from fingerspell.live import Frame, Held, Holding, Smoothed, Smoothing
from fingerspell.live import commit as commit_module
from fingerspell.live import smoothing as smoothing_module
from helpers.signs import frame

TENTH_S = 0.1
VOTING = Smoothing(threshold=0.7)


def shown(names: str, how: Smoothing | None = None, elapsed_s: float = TENTH_S) -> str | None:
    state = Smoothed()
    for name in names:
        state = smoothing_module.step(state, frame(name), elapsed_s, how or VOTING)
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


def test_three_votes_follow_sooner_old_ones_are_gone_and_one_at_the_threshold_counts():
    assert shown("AAAAABB") == "A"
    assert shown("AAAAABB", Smoothing(threshold=0.7, votes=3)) == "B"
    assert shown("AAAAB", elapsed_s=1.0) == "B"
    state = smoothing_module.step(Smoothed(), Frame("A", 0.7), 0.0, VOTING)
    assert state.shown == "A"


def test_the_state_never_grows_beyond_the_votes():
    state = Smoothed()
    for _ in range(1000):
        state = smoothing_module.step(state, frame("A"), 0.001, VOTING)
    assert len(state.votes) == 5


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_confidence_that_is_no_probability_is_refused(confidence: float):
    with pytest.raises(ConfigError, match="probability"):
        Frame("A", confidence)


@pytest.mark.parametrize("elapsed_s", [-0.01, float("nan"), float("inf")])
def test_time_that_runs_backwards_is_refused(elapsed_s: float):
    with pytest.raises(ConfigError, match="elapsed_s"):
        smoothing_module.step(Smoothed(), frame("A"), elapsed_s, VOTING)


HOW = Holding()


def counted(shown: str, elapsed_s: float = 0.1, how: Holding = HOW) -> str:
    """Feeds smoothed answers one by one (`-` is no letter) and joins the signs that counted."""
    state, signs = Held(), []
    for name in shown:
        state = commit_module.step(state, None if name == "-" else name, elapsed_s, how)
        signs.append(state.counted or "")
    return "".join(signs)


SIGNS = {
    "a sign counts when it has held long enough": ("AAAA", 0.1, "A"),
    "and not before": ("AAA", 0.1, ""),
    "a held sign counts once": ("A" * 100, 0.1, "A"),
    "a sign counts again after a release": ("AAAA---AAAA", 0.1, "AA"),
    "a release that is too short does not repeat the sign": ("AAAA--AAAAAAAA", 0.1, "A"),
    "a flickering sign is never released": ("AAAA" + "-A" * 10 + "AAAA", 0.1, "A"),
    "another sign needs no pause": ("AAAABBBBAAAA", 0.1, "ABA"),
    "another sign that never counts is a release too": ("AAAABBBAAAA", 0.1, "AA"),
    "two signs that take turns never count": ("AB" * 50, 0.1, ""),
    "a flicker does not start a sign again": ("AAA-AA", 0.1, "A"),
    "a flicker delays a sign": ("AAA-A", 0.1, ""),
    "a passing shape does not delay the sign after it": ("AAABBBB", 0.1, "B"),
    "a slow sender needs two photographs that agree": ("AABBC", 1.0, "AB"),
    "a single photograph among others neither writes nor releases": ("AABAA", 1.0, "A"),
    "a slow sender releases with two photographs": ("AA--AA", 1.0, "AA"),
    "frames further apart than the gap say nothing about each other": ("AAAAAA", 3.1, ""),
    "frames at the same moment never add up to a hold": ("A" * 1000, 0.0, ""),
}


@pytest.mark.parametrize(("shown", "elapsed_s", "signs"), SIGNS.values(), ids=SIGNS)
def test_which_signs_count(shown: str, elapsed_s: float, signs: str):
    assert counted(shown, elapsed_s) == signs


def test_after_a_long_pause_the_first_frame_counts_no_longer_than_others():
    state = Held()
    for shown, elapsed_s in [("-", 0.0), ("-", 0.1), ("A", 2.5)]:
        state = commit_module.step(state, None if shown == "-" else shown, elapsed_s, HOW)
    assert state.counted is None
    assert dict(state.filled)["A"] == pytest.approx(0.2)


def test_the_gap_releases_the_last_sign_and_more_frames_can_be_asked_for():
    state = Held(locked="A", frames=2)
    assert commit_module.step(state, "A", 3.1, HOW).locked is None
    assert counted("AAA", elapsed_s=1.0, how=Holding(least_frames=4)) == ""
    assert counted("AAAA", elapsed_s=1.0, how=Holding(least_frames=4)) == "A"


def test_buckets_stay_few():
    state = Held()
    for index in range(1000):
        state = commit_module.step(state, "ABCDEFGH"[index % 8], 0.1, HOW)
    assert len(state.filled) <= 2


@pytest.mark.parametrize(
    ("rules", "setting"),
    [
        (Smoothing, {"threshold": 0.5, "votes": 0}),
        (Smoothing, {"threshold": 0.5, "window_s": 0.0}),
        (Smoothing, {"threshold": -0.1}),
        (Smoothing, {"threshold": 1.1}),
        (Holding, {"hold_s": -0.1}),
        (Holding, {"release_s": -1.0}),
        (Holding, {"least_frames": 1}),
        (Holding, {"gap_s": 0.4}),
    ],
)
def test_settings_that_cannot_work_are_refused(rules: type, setting: dict[str, float]):
    with pytest.raises(ConfigError):
        rules(**setting)
