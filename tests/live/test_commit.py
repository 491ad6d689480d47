"""When a sign counts, and when it counts again."""

from __future__ import annotations

import pytest

from fingerspell.errors import ConfigError
from fingerspell.live import Held, Holding
from fingerspell.live import commit as commit_module

HOW = Holding()


def counted(shown: str, elapsed_s: float = 0.1, how: Holding = HOW) -> str:
    """Feeds smoothed answers one by one (`-` is no letter) and joins the signs that counted."""
    state, signs = Held(), []
    for name in shown:
        state = commit_module.step(state, None if name == "-" else name, elapsed_s, how)
        signs.append(state.counted or "")
    return "".join(signs)


AT_TEN_FRAMES_A_SECOND = {
    "a sign counts when it has held long enough": ("AAAA", "A"),
    "and not before": ("AAA", ""),
    "a held sign counts once": ("A" * 100, "A"),
    "a sign counts again after a release": ("AAAA---AAAA", "AA"),
    "a release that is too short does not repeat the sign": ("AAAA--AAAAAAAA", "A"),
    "a flickering sign is never released": ("AAAA" + "-A" * 10 + "AAAA", "A"),
    "another sign needs no pause": ("AAAABBBBAAAA", "ABA"),
    "another sign that never counts is a release too": ("AAAABBBAAAA", "AA"),
    "two signs that take turns never count": ("AB" * 50, ""),
    "a flicker does not start a sign again": ("AAA-AA", "A"),
    "a flicker delays a sign": ("AAA-A", ""),
    "a passing shape does not delay the sign after it": ("AAABBBB", "B"),
}
AT_OTHER_RATES = {
    "a slow sender needs two photographs that agree": ("AABBC", 1.0, "AB"),
    "a single photograph among others neither writes nor releases": ("AABAA", 1.0, "A"),
    "a slow sender releases with two photographs": ("AA--AA", 1.0, "AA"),
    "frames further apart than the gap say nothing about each other": ("AAAAAA", 3.1, ""),
    "frames at the same moment never add up to a hold": ("A" * 1000, 0.0, ""),
}


@pytest.mark.parametrize(
    ("shown", "signs"), AT_TEN_FRAMES_A_SECOND.values(), ids=AT_TEN_FRAMES_A_SECOND
)
def test_which_signs_count(shown: str, signs: str):
    assert counted(shown) == signs


@pytest.mark.parametrize(
    ("shown", "elapsed_s", "signs"), AT_OTHER_RATES.values(), ids=AT_OTHER_RATES
)
def test_which_signs_count_at_other_rates(shown: str, elapsed_s: float, signs: str):
    assert counted(shown, elapsed_s) == signs


def test_after_a_long_pause_the_first_frame_counts_no_longer_than_others():
    state = Held()
    for shown, elapsed_s in [("-", 0.0), ("-", 0.1), ("A", 2.5)]:
        state = commit_module.step(state, None if shown == "-" else shown, elapsed_s, HOW)
    assert state.counted is None
    assert dict(state.filled)["A"] == pytest.approx(0.2)


def test_the_gap_releases_the_last_sign():
    state = Held(locked="A", frames=2)
    assert commit_module.step(state, "A", 3.1, HOW).locked is None


def test_more_frames_can_be_asked_for():
    assert counted("AAA", elapsed_s=1.0, how=Holding(least_frames=4)) == ""
    assert counted("AAAA", elapsed_s=1.0, how=Holding(least_frames=4)) == "A"


def test_buckets_stay_few():
    state = Held()
    for index in range(1000):
        state = commit_module.step(state, "ABCDEFGH"[index % 8], 0.1, HOW)
    assert len(state.filled) <= 2


@pytest.mark.parametrize(
    "setting",
    [{"hold_s": 0.0}, {"release_s": -1.0}, {"least_frames": 1}, {"gap_s": 0.4}],
)
def test_settings_that_cannot_work_are_refused(setting: dict[str, float]):
    with pytest.raises(ConfigError):
        Holding(**setting)  # type: ignore[arg-type]
