"""From frames to text, as a person would sign it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.errors import ConfigError
from fingerspell.labels import ALPHABET
from fingerspell.live import Frame, Live, commit_now, rules_at, spell, spelled, step
from fingerspell.live.session import _written
from helpers.signs import RULES, film, frame, read

FILMS = {
    "signs held one after the other are written": ("A 0.8, B 0.8, C 0.8", 30, "ABC"),
    "a held sign is written once": ("A 10", 30, "A"),
    "a double letter needs a release": ("L 0.8, - 0.5, L 0.8", 30, "LL"),
    "unsure frames are a release": ("L 0.8, ? 0.5, L 0.8", 30, "LL"),
    "without a release it is one letter": ("L 0.8, L 0.8", 30, "L"),
    "a space is never first": ("space 0.8, A 0.8", 30, "A"),
    "a space is written once": ("A 0.8, space 0.8, - 0.5, space 0.8, B 0.8", 30, "A B"),
    "del deletes once a hold": ("A 0.8, B 0.8, C 0.8, del 3", 30, "AB"),
    "del deletes again after a release": ("A 0.8, B 0.8, del 0.8, - 0.5, del 0.8", 30, ""),
    "nothing writes nothing": ("- 5", 30, ""),
    "unsure frames write nothing": ("? 5", 30, ""),
    "a shape in passing is not written": ("A 0.8, X 0.2, B 0.8", 30, "AB"),
    "one photograph a second writes a letter for every two": ("H 2, I 2", 1, "HI"),
    "one stray photograph in a slow stream writes nothing": ("H 3, X 1, H 3", 1, "H"),
}


@pytest.mark.parametrize(("signs", "fps", "text"), FILMS.values(), ids=FILMS)
def test_what_a_film_spells(signs: str, fps: float, text: str):
    assert read(signs, fps) == text


def test_every_sign_comes_with_the_moment_at_which_it_counted():
    first, second = spell(film("A 0.8, B 0.8"), RULES)
    assert (first.label, first.text) == ("A", "A")
    assert first.at_s == pytest.approx(0.37, abs=0.05)
    assert (second.label, second.text) == ("B", "AB")
    assert second.at_s == pytest.approx(0.8 + 0.37 + 2 / 30, abs=0.05)


def test_the_text_never_grows_beyond_its_cap_and_an_empty_recording_spells_nothing():
    assert spelled([], RULES) == ""
    assert read("A 0.8, B 0.8, C 0.8", how=replace(RULES, max_chars=2)) == "AB"


def test_a_threshold_votes_and_a_hold_that_are_asked_for_change_what_counts():
    unsure = [(at_s / 10, Frame("A", 0.6)) for at_s in range(10)]
    assert [spelled(unsure, rules_at(threshold)) for threshold in (0.5, 0.7)] == ["A", ""]
    for votes, hold_s, text in [(None, None, ""), (1, None, ""), (None, 0.0, ""), (1, 0.0, "A")]:
        assert read("- 1, A 0.06, - 1", how=rules_at(0.7, votes=votes, hold_s=hold_s)) == text
    assert read("- 1, A 0.03, - 1, B 1", how=rules_at(0.7, votes=1, hold_s=0.0)) == "B", "a stray"
    assert read("L 0.8, - 0.5, L 0.8", how=rules_at(0.7, hold_s=0.0)) == "LL"


def test_a_photograph_that_is_meant_as_a_letter_is_written_at_once():
    state = Live()
    for name in ["L", "L", "space", "-", "?", "X", "del"]:
        state = commit_now(state, frame(name), RULES)
    assert state.text == "LL "


def test_a_photograph_that_counted_is_shown_and_a_stream_that_goes_on_does_not_repeat_it():
    state = commit_now(step(Live(), frame("B"), 0.0, RULES), frame("A"), RULES)
    assert (state.shown, state.counted, state.text) == ("A", "A", "A")
    for _ in range(20):
        state = step(state, frame("A"), 0.1, RULES)
    assert state.text == "A"


def test_frames_out_of_order_and_settings_that_cannot_work_are_refused():
    with pytest.raises(ConfigError):
        spelled([(1.0, frame("A")), (0.5, frame("A"))], RULES)
    with pytest.raises(ConfigError):
        replace(RULES, max_chars=0)


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        ("A A", "AA"),
        ("A space", "A "),
        ("A space space", "A "),
        ("space", ""),
        ("A space del", "A"),
        ("del", ""),
        ("A 5", "A5"),
        # What one sign wrote is taken back as a whole, however long its label is.
        ("A SCH del", "A"),
        ("A LL U del del", "A"),
        ("A \u270c\ufe0f del", "A"),
        ("hello space del del", ""),
        # A full text keeps what it has, and can still be deleted from.
        ("A B C D E F", "ABCDE"),
        ("A B C D E space", "ABCDE"),
        ("A B C SCH", "ABC"),
        ("A B C D E F del", "ABCD"),
    ],
)
def test_a_sign_does_to_the_text_what_its_name_says(signs: str, text: str):
    assert "".join(written(signs.split(), 5)) == text


def written(labels: list[str], max_chars: int) -> tuple[str, ...]:
    signs: tuple[str, ...] = ()
    for label in labels:
        signs = _written(signs, label, max_chars)
    return signs


CALM = st.lists(st.sampled_from(["A", "B", "C", "space", "del", "-"]), min_size=1, max_size=6)
FPS = st.sampled_from([7.0, 10.0, 15.0, 24.0, 30.0, 60.0])
ANY_FRAME = st.builds(
    Frame, st.sampled_from(["A", "B", "nothing", "del", "space"]), st.floats(0, 1)
)


def script(signs: list[str], each_s: float) -> str:
    return ", ".join(f"{sign} {each_s}" for sign in signs)


@settings(deadline=None)
@given(CALM, FPS, FPS, st.floats(0, 0.9), st.floats(0, 0.9))
def test_any_frame_rate_and_any_phase_reach_the_same_text(signs, one_fps, other_fps, one, other):
    asked = script(signs, 1.0)
    assert read(asked, one_fps, one) == read(asked, other_fps, other)


@settings(deadline=None)
@given(CALM, FPS, st.floats(0, 1, exclude_max=True), ANY_FRAME)
def test_one_stray_frame_anywhere_never_changes_the_text(signs, fps, where: float, stray: Frame):
    frames = film(script(signs, 1.0), fps)
    index = int(where * len(frames))
    disturbed = [*frames[:index], (frames[index][0], stray), *frames[index + 1 :]]
    assert spelled(disturbed, RULES) == spelled(frames, RULES)


@settings(deadline=None)
@given(st.floats(0.01, 10), ANY_FRAME, st.integers(0, 30))
def test_one_stray_frame_in_an_empty_scene_never_writes_at_any_speed(every_s, stray, where: int):
    frames = [(index * every_s, frame("-")) for index in range(31)]
    frames[where] = (frames[where][0], stray)
    assert list(spell(frames, RULES)) == []


@settings(deadline=None)
@given(st.lists(st.tuples(ANY_FRAME, st.floats(0, 5)), max_size=60))
def test_sessions_share_nothing_and_a_step_is_pure(frames: list[tuple[Frame, float]]):
    alone = Live()
    for seen, elapsed_s in frames:
        alone = step(alone, seen, elapsed_s, RULES)
    one, other = Live(), Live()
    for seen, elapsed_s in frames:
        kept = one
        one = step(one, seen, elapsed_s, RULES)
        other = step(other, frame("B"), 0.1, RULES)
        assert step(kept, seen, elapsed_s, RULES) == one
    assert one == alone
    assert "  " not in one.text and not one.text.startswith(" ")


@settings(deadline=None)
@given(st.lists(st.tuples(ANY_FRAME, st.floats(0.001, 0.3)), max_size=80))
def test_no_sign_counts_sooner_than_its_hold(frames: list[tuple[Frame, float]]):
    at_s, timed = 0.0, []
    for seen, elapsed_s in frames:
        at_s += elapsed_s
        timed.append((at_s, seen))
    moments = [counted.at_s for counted in spell(timed, RULES)]
    # The first frame stands for as long as the second, which may be one frame time.
    starts = [timed[0][0] - 0.3, *moments] if timed else []
    for before_s, now_s in zip(starts, moments, strict=False):
        assert now_s - before_s >= RULES.holding.hold_s - 1e-6


@given(st.lists(st.sampled_from([x for x in ALPHABET if x != "nothing"])), st.integers(1, 20))
def test_no_row_of_signs_makes_two_spaces_a_space_at_the_start_or_a_long_text(labels, max_chars):
    text = "".join(written(labels, max_chars))
    assert "  " not in text and not text.startswith(" ") and len(text) <= max_chars
