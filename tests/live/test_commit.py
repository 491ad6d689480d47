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


def test_a_sign_counts_when_it_has_held_long_enough():
    assert counted("AAA") == ""
    assert counted("AAAA") == "A"


def test_a_held_sign_counts_once():
    assert counted("A" * 100) == "A"


def test_a_sign_counts_again_after_a_release():
    assert counted("AAAA---AAAA") == "AA"


def test_a_release_that_is_too_short_does_not_repeat_the_sign():
    assert counted("AAAA--AAAAAAAA") == "A"


def test_a_flickering_sign_is_never_released():
    assert counted("AAAA" + "-A" * 10 + "AAAA") == "A"


def test_another_sign_needs_no_pause():
    assert counted("AAAABBBBAAAA") == "ABA"


def test_another_sign_that_never_counts_is_a_release_too():
    assert counted("AAAABBBAAAA") == "AA"


def test_two_signs_that_take_turns_never_count():
    assert counted("AB" * 50) == ""


def test_a_flicker_delays_a_sign_and_does_not_start_it_again():
    assert counted("AAA-AA") == "A"
    assert counted("AAA-A") == ""


def test_a_passing_shape_does_not_delay_the_sign_after_it():
    assert counted("AAABBBB") == "B"


def test_a_slow_sender_needs_two_photographs_that_agree():
    assert counted("AABBC", elapsed_s=1.0) == "AB"


def test_a_single_photograph_among_others_neither_writes_nor_releases():
    assert counted("AABAA", elapsed_s=1.0) == "A"


def test_a_slow_sender_releases_with_two_photographs():
    assert counted("AA--AA", elapsed_s=1.0) == "AA"


def test_after_a_long_pause_the_first_frame_counts_no_longer_than_others():
    state = Held()
    for shown, elapsed_s in [("-", 0.0), ("-", 0.1), ("A", 2.5)]:
        state = commit_module.step(state, None if shown == "-" else shown, elapsed_s, HOW)
    assert state.counted is None
    assert dict(state.filled)["A"] == pytest.approx(0.2)


def test_frames_further_apart_than_the_gap_say_nothing_about_each_other():
    assert counted("AAAAAA", elapsed_s=3.1) == ""


def test_the_gap_releases_the_last_sign():
    state = Held(locked="A", frames=2)
    assert commit_module.step(state, "A", 3.1, HOW).locked is None


def test_frames_at_the_same_moment_never_add_up_to_a_hold():
    assert counted("A" * 1000, elapsed_s=0.0) == ""


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
