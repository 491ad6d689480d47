"""From frames to text, as a person would sign it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.errors import ConfigError
from fingerspell.labels import ALPHABET
from fingerspell.live import RULES as NAMES
from fingerspell.live import Frame, Live, Sign, commit_now, rules_at, spell, spelled, step
from fingerspell.live.session import _written
from fingerspell.live.words import split
from helpers.signs import LABELS, RULES, film, frame, read

ALL = {name: rules_at(LABELS, 0.7, rules=name) for name in NAMES}

FILMS = {
    "signs held one after the other are written": ("A 0.8, B 0.8, C 0.8", 30, "ABC"),
    "a held sign is written once": ("A 10", 30, "A"),
    "a double letter needs a release": ("L 0.8, - 0.5, L 0.8", 30, "LL"),
    "unsure frames are a release": ("L 0.8, ? 0.5, L 0.8", 30, "LL"),
    "without a release it is one letter": ("L 0.8, L 0.8", 30, "L"),
    "A B A needs no pause": ("A 0.8, B 0.8, A 0.8", 30, "ABA"),
    "a space is never first": ("space 0.8, A 0.8", 30, "A"),
    "a space is written once": ("A 0.8, space 0.8, - 0.5, space 0.8, B 0.8", 30, "A B"),
    "del deletes once a hold": ("A 0.8, B 0.8, C 0.8, del 3", 30, "AB"),
    "del deletes again after a release": ("A 0.8, B 0.8, del 0.8, - 0.5, del 0.8", 30, ""),
    "del takes back a whole sign": ("A 0.8, SCH 0.8, del 0.8", 30, "A"),
    "nothing writes nothing": ("- 5", 30, ""),
    "unsure frames write nothing": ("? 5", 30, ""),
    "a shape in passing is not written": ("A 0.8, X 0.05, B 0.8", 30, "AB"),
    "one photograph a second writes a letter for every two": ("H 2, I 2", 1, "HI"),
    "one stray photograph in a slow stream writes nothing": ("H 3, X 1, H 3", 1, "H"),
    "photographs further apart than the gap say nothing": ("H 40", 0.25, ""),
}


@pytest.mark.parametrize("rules", NAMES)
@pytest.mark.parametrize(("signs", "fps", "text"), FILMS.values(), ids=FILMS)
def test_what_a_film_spells(signs: str, fps: float, text: str, rules: str):
    assert read(signs, fps, rules=ALL[rules]) == text


def test_voting_rules_do_not_ask_whether_the_hand_rests():
    script = film("A 0.8, B 0.6, C 0.6")
    still = [(at_s, replace(seen, motion=0.01)) for at_s, seen in script]
    for name in ("majority", "hold"):
        assert spelled(still, ALL[name]) == spelled(script, ALL[name]) == "ABC"
    assert spelled(film("A 0.8, B 0.2"), RULES) == "AB"
    still = [(at_s, replace(seen, motion=0.01)) for at_s, seen in film("A 0.8, B 0.2")]
    assert spelled(still, RULES) == "A", "a resting hand does not easily change its letter"


def test_every_sign_comes_with_its_moment_and_what_was_seen_of_it():
    first, second = spell(film("A 0.8, B 0.8"), RULES)
    assert (first.label, first.text, second.label, second.text) == ("A", "A", "B", "AB")
    assert (first.at_s, second.at_s) == pytest.approx((0.2, 0.93), abs=0.04)
    (sign,) = first.signs
    assert sign.label == "A" and (sign.start_s, sign.end_s) == pytest.approx((0, first.at_s))
    assert sign.evidence == pytest.approx(frame("A").probabilities)
    assert second.signs[0].end_s == pytest.approx(0.8, abs=0.04), "it goes on while it is held"
    assert next(spell([(5 + s, seen) for s, seen in film("A 1")], RULES)).signs[0].start_s == 5


def test_the_evidence_of_a_sign_is_the_mean_over_all_its_frames():
    sure, less = frame("A", 0.98), frame("A", 0.5)
    frames = [(0.1 * i, sure if i < 3 else less) for i in range(5)]
    (counted,) = list(spell([*frames, (0.5, frame("-"))], RULES))
    assert counted.signs[0].evidence[0] == pytest.approx(0.98)
    state, before_s = Live(), 0.0
    for at_s, seen in frames:
        state, before_s = step(state, seen, at_s - before_s, RULES), at_s
    # The first frame stands for as long as the second.
    assert state.signs[0].evidence[0] == pytest.approx((3 * 0.98 + 2 * 0.5) / 5)


def test_the_word_of_a_state_is_its_signs_since_the_last_space():
    *_, last = spell(film("A 0.5, space 0.5, B 0.5, C 0.5"), RULES)
    assert [sign.label for sign in split(last.signs)[-1]] == ["B", "C"]


def test_the_text_never_grows_beyond_its_cap_and_an_empty_recording_spells_nothing():
    assert spelled([], RULES) == ""
    assert read("A 0.8, B 0.8, C 0.8", rules=replace(RULES, max_chars=2)) == "AB"


def test_each_kind_of_rules_has_its_own_threshold_for_streams_and_the_stills_for_photographs():
    unsure = [(at_s / 10, frame("AB"[at_s // 8], 0.75)) for at_s in range(16)]
    text = {name: spelled(unsure, rules_at(LABELS, 0.9, rules=name)) for name in NAMES}
    assert text == {"evidence": "AB", "majority": "AB", "hold": ""}
    for name in NAMES:
        assert commit_now(Live(), frame("A", 0.75), rules_at(LABELS, 0.9, rules=name)).text == ""


def test_votes_and_a_hold_that_are_asked_for_change_what_counts():
    for votes, hold_s, text in [(None, None, ""), (1, None, ""), (None, 0.0, ""), (1, 0.0, "A")]:
        rules = rules_at(LABELS, 0.7, rules="hold", votes=votes, hold_s=hold_s)
        assert read("- 1, A 0.06, - 1", rules=rules) == text
    quick = rules_at(LABELS, 0.7, rules="hold", votes=1, hold_s=0.0)
    assert read("- 1, A 0.03, - 1, B 1", rules=quick) == "B", "a stray"
    assert read("A 0.2, B 0.5", rules=rules_at(LABELS, 0.7, hold_s=0.3)) == "B"


def test_a_photograph_that_is_meant_as_a_letter_is_written_at_once():
    state = Live()
    for name in ["L", "L", "space", "-", "?", "X", "del"]:
        state = commit_now(state, frame(name), RULES)
    assert state.text == "LL " and state.signs[0].evidence == frame("L").probabilities


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_that_counted_is_shown_and_a_stream_that_goes_on_does_not_repeat_it(name):
    rules = ALL[name]
    state = commit_now(step(Live(), frame("B"), 0.0, rules), frame("A"), rules)
    assert (state.shown, state.counted, state.text) == ("A", "A", "A")
    for _ in range(20):
        state = step(state, frame("A"), 0.1, rules)
    assert (state.shown, state.counted, state.text) == ("A", None, "A")


def test_the_letter_on_its_way_is_shown_before_it_is_written_and_a_single_frame_is_not():
    state, shown = Live(), []
    for at_s, seen in film("- 0.2, A 0.4, - 0.3, B 0.03, - 0.2"):
        state = step(state, seen, 0.0 if at_s == 0 else 1 / 30, RULES)
        shown.append((state.shown, state.counted))
    assert ("A", None) in shown[: shown.index(("A", "A"))]
    assert ("B", None) not in shown and shown[-1] == (None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: spelled([(1.0, frame("A")), (0.5, frame("A"))], RULES),
        lambda: step(Live(), frame("A"), float("nan"), RULES),
        lambda: replace(RULES, max_chars=0),
        lambda: step(Live(), Frame((0.5, 0.5)), 0.1, RULES),
        lambda: commit_now(Live(), Frame((0.5, 0.5)), RULES),
        lambda: rules_at(LABELS, 1.5),
        lambda: rules_at(LABELS, 0.7, rules="plurality"),
        lambda: rules_at(LABELS, 0.7, votes=3),
        lambda: rules_at(LABELS, 0.7, hold_s=float("inf")),
        lambda: Frame((0.5, 1.1)),
        lambda: Frame((0.5, -0.1)),
        lambda: Frame((0.5, float("nan"))),
        lambda: Frame((0.5, 0.5), (0.5, 0.5, 0.0)),
        lambda: Frame((0.5, 0.5), (0.5, float("inf"), 0.1)),
        lambda: Frame((0.5, 0.5), None, -0.1),
        lambda: Frame((0.5, 0.5), None, float("nan")),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError):
        wrong()


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
    signs: tuple[Sign, ...] = ()
    for label in labels:
        signs = _written(signs, Sign(label, 0.0, 0.0, ()), max_chars)
    return tuple(sign.written for sign in signs)


CALM = st.lists(st.sampled_from(["A", "B", "C", "space", "del", "-"]), min_size=1, max_size=6)
FPS = st.sampled_from([7.0, 10.0, 15.0, 24.0, 30.0, 60.0])
HANDS = st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1))
ANY_FRAME = st.builds(
    frame,
    st.sampled_from(["A", "B", "D", "I", "J", "Z", "-", "del", "space"]),
    st.floats(0, 1),
    HANDS,
    st.none() | st.floats(0, 2),
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
@given(st.lists(st.tuples(ANY_FRAME, st.floats(0.001, 0.3)), max_size=80), st.sampled_from(NAMES))
def test_no_sign_counts_sooner_than_two_frames_after_the_one_before(frames, name: str):
    state, since = Live(), 0
    for seen, elapsed_s in frames:
        state, since = step(state, seen, elapsed_s, ALL[name]), since + 1
        assert state.counted is None or since >= 2
        if state.counted is not None:
            since = 0


@given(st.lists(st.sampled_from([x for x in ALPHABET if x != "nothing"])), st.integers(1, 20))
def test_no_row_of_signs_makes_two_spaces_a_space_at_the_start_or_a_long_text(labels, max_chars):
    text = "".join(written(labels, max_chars))
    assert "  " not in text and not text.startswith(" ") and len(text) <= max_chars
