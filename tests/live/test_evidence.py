"""Votes, evidence and the lock: when a sign counts, and when it counts again."""

from dataclasses import replace

import pytest

from fingerspell.errors import ConfigError
from fingerspell.live import (
    Evidence,
    Frame,
    Live,
    LiveRules,
    Strokes,
    Voting,
    rules_at,
    spell,
    step,
)
from fingerspell.live.voting import majority
from fingerspell.live.voting import step as vote
from helpers.signs import LABELS, RULES, frame

HOLD = rules_at(LABELS, 0.7, rules="hold", votes=1)


def counted(shown: str, elapsed_s: float = 0.1, rules: LiveRules = HOLD) -> str:
    """Feeds frames one by one and joins the signs that counted."""
    state, signs = Live(), []
    for name in shown:
        state = step(state, frame(name), elapsed_s, rules)
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
def test_which_signs_count_by_a_hold(shown: str, elapsed_s: float, signs: str):
    assert counted(shown, elapsed_s) == signs


@pytest.mark.parametrize(
    "name", [name for name, (_, elapsed_s, _) in SIGNS.items() if elapsed_s not in (0.1,)]
)
def test_a_slow_sender_is_read_alike_by_evidence(name: str):
    shown, elapsed_s, signs = SIGNS[name]
    assert counted(shown, elapsed_s, RULES) == signs


def evidence(*frames: Frame, elapsed_s: float = 0.05, rules: LiveRules = RULES) -> str:
    state = Live()
    for seen in frames:
        state = step(state, seen, elapsed_s, rules)
    return state.text


def test_evidence_adds_up_by_the_logarithm_of_the_probability_over_the_share():
    gathered = step(step(Live(), frame("-"), 0.0, RULES), frame("A", 0.6), 0.1, RULES).gathered
    (a,) = gathered.labels
    assert a.evidence_s == pytest.approx(0.1 * 0.6931, abs=1e-4)  # log(0.6 / 0.3)
    drained = step(Live(gathered=gathered), frame("-"), 0.05, RULES).gathered
    assert drained.labels[0].evidence_s == pytest.approx(0.1 * 0.6931 - 0.05, abs=1e-4)
    assert step(Live(gathered=gathered), frame("-"), 0.2, RULES).gathered.labels == ()


def test_a_word_opens_with_certainty_and_goes_on_easily():
    half = [frame("B", 0.5)] * 8
    assert evidence(*half * 5) == "", "no word begins with an unsure letter"
    assert evidence(*[frame("A")] * 8, *half) == "AB", "but one goes on with it"
    assert evidence(*[frame("A")] * 8, *[frame("space")] * 8, *half) == "A ", "not behind a space"
    late = [*[frame("A")] * 8, *[frame("-")] * 70]
    assert evidence(*late, *half) == "A", "nor after a while without a letter"
    assert evidence(*late, *[frame("del", 0.5)] * 12) == "", "only letters wait"


def test_a_first_letter_waits_until_it_is_sure_or_another_one_vouches_for_it():
    unsure, gone = [frame("B", 0.8)] * 12, [frame("-")]
    assert evidence(*unsure, *gone * 50) == ""
    assert evidence(*unsure, frame("B", 0.98)) == "B"
    assert evidence(*unsure, *gone * 5, *[frame("C", 0.6)] * 8) == "BC"
    assert evidence(*unsure, *gone * 5, *[frame("C", 0.6)] * 8, *[frame("del")] * 8) == "B"
    assert evidence(*unsure, *gone * 50, *[frame("C", 0.6)] * 12) == "", "too late"
    assert evidence(*unsure, *gone * 8, *unsure) == "", "nobody vouches for himself"
    assert evidence(*unsure, *[frame("space")] * 12, *gone * 8) == "", "nor does a space"
    frames = [(i / 20, seen) for i, seen in enumerate([*unsure, *[frame("C")] * 8])]
    assert [(x.label, x.text) for x in spell(frames, RULES)] == [("B", "B"), ("C", "BC")]


def test_quick_letters_open_a_word_together_and_a_d_never_does_alone():
    quick, gone = [frame("B")] * 4, [frame("-")]
    assert evidence(*quick, *gone * 8) == "", "0.2 s are too few alone"
    assert evidence(*quick, *[frame("C")] * 4) == "BC" and evidence(*quick * 2) == "B"
    pointing = [frame("D")] * 20
    assert evidence(*pointing, *gone * 8, *pointing) == "", "a hand that points, or a 1"
    assert evidence(*pointing, *[frame("A")] * 4) == "DA"
    assert evidence(*pointing * 3, *gone * 8, *[frame("A")] * 4) == "DA", "held for 3 s"
    assert evidence(*[frame("B", 0.8)] * 60, *gone * 8, *[frame("A")] * 4) == "BA"
    assert evidence(*[frame("A")] * 8, *pointing) == "AD"


STILL, NOISY, MOVES = 0.03, 0.17, 0.4


def test_a_hand_that_still_comes_when_its_letter_counts_makes_no_double():
    rises = [frame("B", hand=(0.5, y, 0.4), motion=MOVES) for y in (0.7, 0.65, 0.6)]
    held = [frame("B", hand=(0.5, 0.5, 0.4), motion=STILL)] * 4
    assert evidence(*rises, *held, elapsed_s=0.14) == "B"
    assert evidence(*rises, *held, *rises, *held, elapsed_s=0.14) == "BB", "a bounce is one"
    assert evidence(*rises[:2], *held, elapsed_s=0.14) == "B", "elsewhere, but never at rest there"


def test_a_camera_of_much_noise_or_a_lamp_that_flickers_is_no_motion():
    noisy, moves = [frame("A", motion=NOISY)] * 12, [frame("A", motion=MOVES)] * 5
    assert evidence(*noisy) == "A" and evidence(frame("A", motion=0.0), *noisy) == "A"
    assert evidence(*noisy, *moves, *noisy) == "AA", "a bounce is seen through it"
    assert evidence(*noisy, *[frame("B", motion=MOVES)] * 80) == "A"
    assert (
        evidence(*noisy, *[frame("B", motion=STILL)] * 8, *[frame("C", motion=NOISY)] * 8) == "AB"
    )


def test_a_frame_in_motion_speaks_for_no_letter_until_the_hand_is_still():
    assert evidence(*[frame("A", motion=MOVES)] * 40) == ""
    assert evidence(*[frame("A", motion=STILL)] * 40) == "A"
    slow = [frame("A", motion=MOVES)] * 10
    assert evidence(*slow, elapsed_s=0.2) == "A", "frames far apart always differ"


def at(x: float, y: float = 0.5) -> Frame:
    return frame("L", hand=(x, y, 0.4))


DOUBLES = {
    "a bounce, seen as motion": ([frame("L", motion=m) for m in [STILL] * 8 + [MOVES] * 4
                                  + [STILL] * 8], 0.05, "LL"),
    "a bounce at five frames a second": ([frame("L", motion=m) for m in [0.2] * 4 + [0.5] * 2
                                          + [0.2] * 4], 0.2, "LL"),
    "a bounce of the hand": ([at(0.5, 0.5 - 0.1 * (8 <= i < 11)) for i in range(20)], 0.05, "LL"),
    "a slide of the hand": ([at(0.5 + 0.1 * (i >= 8)) for i in range(20)], 0.05, "LL"),
    "a second bounce in a row": ([frame("L", motion=m) for m in ([STILL] * 8 + [MOVES] * 4) * 4],
                                 0.05, "LL"),
    "a triple with a release": ([*[at(0.5)] * 8, *[at(0.7)] * 8, *[frame("-")] * 8, *[at(0.7)] * 8],
                                0.05, "LLL"),
    "a hand that sways": ([at(0.5 + 0.03 * (i % 3)) for i in range(40)], 0.05, "L"),
    "a hand that drifts": ([at(0.3 + 0.003 * i) for i in range(60)], 0.05, "L"),
    "one frame of motion": ([frame("L", motion=MOVES if i == 9 else STILL) for i in range(20)],
                            0.05, "L"),
    "a hand that is lost for a while": ([frame("L", hand=None if 8 <= i < 12 else (0.5, 0.5, 0.4))
                                         for i in range(20)], 0.05, "L"),
}  # fmt: skip


@pytest.mark.parametrize(("frames", "elapsed_s", "text"), DOUBLES.values(), ids=DOUBLES)
def test_what_makes_a_double_letter(frames: list[Frame], elapsed_s: float, text: str):
    assert evidence(*frames, elapsed_s=elapsed_s) == text


def test_a_hand_that_did_not_move_needs_more_to_change_its_letter():
    def another(count: int, motion: float | None) -> str:
        after = [frame("B", motion=motion), *[frame("B", motion=STILL)] * (count - 1)]
        return evidence(*[frame("A", motion=STILL)] * 8, *after)

    assert [another(count, STILL) for count in (4, 8)] == ["A", "AB"], "a flicker of one shape"
    assert another(4, MOVES) == another(4, None) == "AB"


@pytest.mark.parametrize("name", ["majority", "hold"])
def test_the_rules_that_vote_heed_neither_motion_nor_the_hand(name: str):
    rules, labels = rules_at(LABELS, 0.7, rules=name), ["A"] * 12 + ["B"] * 12 + ["J"] * 12
    plain = [frame(label) for label in labels]
    stirred = [frame(x, hand=(i % 7 / 7, 0.5, 0.2), motion=i % 3 / 4) for i, x in enumerate(labels)]
    assert evidence(*plain, rules=rules) == evidence(*stirred, rules=rules) == "ABJ"


def test_after_a_long_pause_the_first_frame_counts_no_longer_than_others():
    state = Live()
    for shown, elapsed_s in [("-", 0.0), ("-", 0.1), ("A", 2.5)]:
        state = step(state, frame(shown), elapsed_s, RULES)
    assert state.counted is None
    assert state.gathered.labels[0].evidence_s == pytest.approx(RULES.evidence.need_s / 2)


def test_more_frames_can_be_asked_for_and_the_state_stays_small():
    four = replace(RULES, evidence=replace(RULES.evidence, least_frames=4))
    assert [counted("A" * n, 1.0, four) for n in (3, 4)] == ["", "A"]
    state = Live()
    for index in range(1000):
        state = step(state, frame("ABCDHIJL"[index % 8]), 0.1, RULES)
    assert len(state.gathered.labels) <= 2 and len(state.signs) < 1000


VOTES = {
    "before the first frame nothing is shown": ("", None),
    "what more than half of the last five say wins": ("BBAAA", "A"),
    "one stray frame does not replace a held letter": ("AAAAAB", "A"),
    "a vote is forgotten after five frames": ("AAAAABBB", "B"),
    "the most frequent letter is not enough": ("AABCD", None),
    "nor is half": ("AABB", None),
    "no letter outvotes a letter": ("A----", None),
}


@pytest.mark.parametrize(("names", "letter"), VOTES.values(), ids=VOTES)
def test_which_letter_a_majority_names(names: str, letter: str | None):
    votes, how = (), Voting()
    for name in names:
        votes = vote(votes, None if name == "-" else LABELS.index(name), 0.1, how)
    winner = majority(votes)
    assert (None if winner is None else LABELS[winner]) == letter and len(votes) <= 5


def test_three_votes_follow_sooner_and_old_ones_are_gone():
    votes = ()
    for number in (0, 0, 1, 1):
        votes = vote(votes, number, 0.1, Voting(votes=3))
    assert majority(votes) == 1
    assert majority(vote(votes, 2, 1.0, Voting())) == 2, "a slow sender's frame is alone"


@pytest.mark.parametrize(
    ("rules", "setting"),
    [
        (Voting, {"votes": 0}),
        (Voting, {"window_s": 0.0}),
        (Voting, {"threshold": -0.1}),
        (Voting, {"threshold": 1.1}),
        (Evidence, {"need_s": -0.1}),
        (Evidence, {"release_s": 3.0}),
        (Evidence, {"open_need_s": float("nan")}),
        (Evidence, {"least_frames": 1}),
        (Evidence, {"gap_s": 0.1}),
        (Evidence, {"share": 0.0}),
        (Evidence, {"share": 1.0}),
        (Evidence, {"open_probability": 1.1}),
        (Evidence, {"moving": 0.0}),
        (Evidence, {"vouch_s": 0.0}),
        (Evidence, {"rest_factor": 0.5}),
        (Strokes, {"leg": 0.0}),
    ],
)
def test_settings_that_cannot_work_are_refused(rules: type, setting: dict[str, float]):
    with pytest.raises(ConfigError):
        rules(**setting)
