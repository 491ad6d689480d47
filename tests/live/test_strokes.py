"""J and Z are strokes: the way of a hand in the shape of I or of a pointing finger."""

import math

import pytest

from fingerspell.live import Live, Strokes, step
from fingerspell.live.strokes import _draws_j, _draws_z
from helpers.signs import RULES, frame

J = ((0.0, 0.0), (-0.04, 0.25), (0.0, 0.28), (0.2, 0.24))
"""Down and hooked; x and y (down) in sides of the hand."""

Z = ((0.0, 0.0), (0.4, 0.0), (0.0, 0.35), (0.4, 0.35))


def way(corners, lasts_s: float = 0.8, fps: float = 15.0, side: float = 1.0, mirror: bool = False):
    """The way through some corners at an even speed: (seconds, x, y)."""
    count = round(lasts_s * fps)
    points = []
    for number in range(count + 1):
        u = number / count * (len(corners) - 1)
        i = min(math.floor(u), len(corners) - 2)
        x, y = (a + (u - i) * (b - a) for a, b in zip(corners[i], corners[i + 1], strict=True))
        points.append((number / fps, side * (-x if mirror else x), side * y))
    return points


def spell(
    points,
    shape: str,
    before: str = "A",
    still_s: float = 0.3,
    fps: float = 15.0,
    side: float = 0.4,
) -> str:
    """A held letter, then a hand of some shape that goes a way, and what that writes."""
    state = Live()
    for _ in range(8):
        state = step(state, frame(before, hand=(0.5, 0.4, side), motion=0.02), 1 / fps, RULES)
    ways = [points[0]] * round(still_s * fps) + list(points)
    for number, (_, x, y) in enumerate(ways):
        moves = 0.02 if number < round(still_s * fps) else 0.4
        hand = (0.5 + side * x, 0.4 + side * y, side)
        state = step(state, frame(shape, hand=hand, motion=moves), 1 / fps, RULES)
    return state.text


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(("side", "fps"), [(0.4, 15.0), (0.15, 30.0), (0.3, 10.0)])
def test_a_stroke_is_read_near_and_far_left_and_right_quick_and_slow(side, fps, mirror):
    for lasts_s in (0.5, 1.0):
        drawn_j = way(J, lasts_s, fps, mirror=mirror)
        drawn_z = way(Z, lasts_s, fps, mirror=mirror)
        assert spell(drawn_j, "I", fps=fps, side=side) == "AJ"
        assert spell(drawn_z, "D", fps=fps, side=side) == "AZ"


def test_what_stills_already_call_j_or_z_is_written_once_and_a_second_stroke_again():
    assert spell(way(J), "J") == "AJ" and spell(way(Z), "Z") == "AZ"
    twice = [*Z, (0.0, 0.0), *Z[1:]]
    assert spell(way(twice, 2.0), "D") == "AZZ"


WAYS = {
    "an I that is held": ([(0.0, 0.0), (0.02, 0.02)], "I", "AI"),
    "an I that goes down and away": ([(0.0, 0.0), (0.0, 1.5)], "I", "AI"),
    "an I that slides": ([(0.0, 0.0), (0.5, 0.0)], "I", "AI"),
    "an A in the way of a J": (J, "A", "A"),
    "a D that goes one way": ([(0.0, 0.0), (0.5, 0.1)], "D", "AD"),
    "a D that turns once": ([(0.0, 0.0), (0.4, 0.0), (0.0, 0.3)], "D", "AD"),
    "a D that draws a Z upwards": ([(x, -y) for x, y in Z], "D", "AD"),
    "a D that draws a small Z": ([(x / 5, y / 5) for x, y in Z], "D", "AD"),
}


@pytest.mark.parametrize(("corners", "shape", "text"), WAYS.values(), ids=WAYS)
def test_another_way_or_shape_is_no_stroke(corners, shape: str, text: str):
    assert spell(way(corners), shape) in (text, text + text[1:]), "a slide may double a letter"


def test_a_stroke_takes_its_time_and_the_evidence_of_its_shape_is_its_own():
    how = Strokes()
    assert _draws_z(way(Z), how) and not _draws_z(way(Z, 0.2, 60.0), how)
    assert _draws_j(way(J), how) and not _draws_j(way(J, 0.2, 60.0), how)
    state, hands = Live(), [(0.5 + 0.4 * x, 0.4 + 0.4 * y, 0.4) for _, x, y in way(Z)]
    for hand in hands:
        state = step(state, frame("D", hand=hand, motion=0.4), 1 / 15, RULES)
    (sign,) = state.signs
    assert sign.label == "Z" and max(sign.evidence) == sign.evidence[RULES.labels.index("Z")]
    assert sum(sign.evidence) == pytest.approx(1) and sign.end_s > sign.start_s


def test_a_stroke_that_ends_in_a_hold_is_no_still_of_its_shape():
    held = [*way(J), *[(0.0, *J[-1])] * 30]
    assert spell(held, "J") == "AJ" and spell(held, "I") == "AJ"


def test_without_a_hand_j_and_z_are_what_stills_say_also_while_they_move():
    state = Live()
    for _ in range(10):
        state = step(state, frame("J", motion=0.4), 1 / 15, RULES)
    assert state.text == "J"


def test_a_z_that_does_not_move_writes_nothing_where_the_hand_is_known():
    state = Live()
    for shown in [*"AAAAAAAA", *"ZZZZZZZZZZ", *"BBBBBBBB"]:
        state = step(state, frame(shown, hand=(0.5, 0.5, 0.4)), 1 / 15, RULES)
    assert state.text == "AB"
