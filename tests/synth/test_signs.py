"""The table of handshapes: complete, possible, and readable when it is wrong."""

from pathlib import Path

import numpy as np
import pytest

from fingerspell.errors import ConfigError
from fingerspell.labels import ALPHABET
from fingerspell.synth.anatomy import (
    AVERAGE,
    FLEX_LIMITS_DEG,
    SPREAD_LIMITS_DEG,
    THUMB_LIMITS_DEG,
    WRIST_LIMITS_DEG,
)
from fingerspell.synth.camera import view_matrix
from fingerspell.synth.pose import sample_pose
from fingerspell.synth.sheet import _contact_sheet, _page, _shown_signs, write_sheet
from fingerspell.synth.signs import _parse, load_signs
from fingerspell.synth.skeleton import stand

DOCS = Path(__file__).resolve().parents[2] / "docs"
VARIANTS = [
    pytest.param(variant, id=f"{sign.label} {variant.name}")
    for sign in load_signs().values()
    for variant in sign.variants
]
GOOD = """
label = "A"
words = "w"
source = "s"
[[variant]]
name = "n"
index = [0, 0, 0, 0]
middle = [0, 0, 0, 0]
ring = [0, 0, 0, 0]
little = [0, 0, 0, 0]
thumb = [0, 0, 0, 0, 0]
touch.tip = { at = "index.pip", side = [1, 0, 0] }
"""


def still(variant):
    return sample_pose(np.random.default_rng(0), variant, AVERAGE, slack=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_tables_stay_within_what_joints_can_do(variant):
    fingers = np.array(variant.fingers)
    low, high = FLEX_LIMITS_DEG.T
    assert (fingers[:, :3] >= low).all() and (fingers[:, :3] <= high).all()
    assert (np.abs(fingers[:, 3]) <= max(map(abs, SPREAD_LIMITS_DEG))).all()
    thumb, wrist = np.array(variant.thumb), np.array(variant.wrist)
    assert (thumb >= THUMB_LIMITS_DEG[:, 0]).all() and (thumb <= THUMB_LIMITS_DEG[:, 1]).all()
    assert (wrist >= WRIST_LIMITS_DEG[:, 0]).all() and (wrist <= WRIST_LIMITS_DEG[:, 1]).all()


def test_every_class_has_a_handshape_whose_shares_add_up_to_one():
    assert set(ALPHABET) <= set(load_signs())
    for sign in load_signs().values():
        assert sum(variant.share for variant in sign.variants) == pytest.approx(1), sign.label


def digits(label):
    """Joints (thumb to little finger, joint, axis) in mm, in the hand frame of an average hand."""
    return stand(still(load_signs()[label].variants[0]), AVERAGE).digits


def tips(label):
    return digits(label)[:, 3]


def test_the_thumb_of_s_lies_in_front_of_the_fingers_and_that_of_a_beside_them():
    for place, axis in (("S", 2), ("A", 0)):
        thumb, *fingers = tips(place)
        assert thumb[axis] > max(finger[axis] for finger in fingers), place


def test_the_thumb_of_m_n_and_t_ends_under_three_two_and_one_fingers():
    places = {label: tips(label)[0][0] for label in "MNT"}
    knuckles = AVERAGE.knuckles[:, 0]
    assert places["M"] < knuckles[2] < places["N"] < knuckles[1] < places["T"] < knuckles[0]


def test_m_n_and_t_fold_their_fingers_over_the_thumb_and_s_does_not():
    for label, covered in (("M", (1, 2, 3)), ("N", (1, 2)), ("T", (1,))):
        hand = digits(label)
        front = hand[0, 2:, 2].max()
        assert all(hand[finger, 1:3, 2].max() > front for finger in covered), label
    fist = digits("S")
    assert fist[0, 3, 2] > fist[1:, 1:3, 2].max()


def test_the_thumb_of_a_fist_bends_out_beside_the_palm_and_not_below_it():
    """A thumb whose middle joint sinks to the wrist looks like a heel: no hand has one."""
    for label in "SMNT":
        assert digits(label)[0, 1, 1] > 45, label


def test_the_index_finger_and_thumb_of_q_point_down():
    for variant in load_signs()["Q"].variants:
        hand = stand(still(variant), AVERAGE).digits @ view_matrix(*variant.view).T
        assert hand[1, 3, 1] < hand[1, 1, 1] and hand[0, 3, 1] < hand[0, 1, 1], variant.name


def test_thumb_and_fingertips_of_f_and_o_meet():
    for label in "FO":
        thumb, index, *_ = tips(label)
        assert np.linalg.norm(thumb - index) < 22, label


def test_the_fingers_of_r_are_crossed_and_those_of_u_are_not():
    crossed, straight = tips("R"), tips("U")
    assert crossed[1, 0] < crossed[2, 0]
    assert straight[1, 0] > straight[2, 0]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("label", "lable"),
        ("[[variant]]", "[[variants]]"),
        ("ring = [0, 0, 0, 0]", "ring = [0, 0, 0]"),
        ("ring = [0, 0, 0, 0]", 'ring = [0, 0, 0, "x"]'),
        ("thumb = [0, 0, 0, 0, 0]", "thumb = [0]"),
        ("index.pip", "index.knee"),
        ("index.pip", "toe.pip"),
        ('name = "n"', 'name = "n"\nunder = ["toe"]'),
        ('name = "n"', 'name = "n"\nshow = "foot"'),
        ("= 1", "= = 1"),
        ("[1, 0, 0]", "[1, 0]"),
    ],
)
def test_a_good_file_is_read_and_a_wrong_one_refused_by_name(right, wrong):
    assert _parse(GOOD, "A.toml").variants[0].touches[0].finger == "index"
    broken = GOOD.replace(right, wrong)
    with pytest.raises(ConfigError, match=r"A\.toml"):
        _parse(broken if broken != GOOD else GOOD + "= = 1", "A.toml")


def test_the_page_in_docs_is_the_one_the_tables_give():
    written = (DOCS / "handshapes.md").read_text(encoding="utf-8")
    assert written == _page("images/handshapes.png"), "run: fingerspell synth sheet"
    assert (DOCS / "images" / "handshapes.png").stat().st_size < 600_000


def test_every_sign_stands_on_the_page_with_its_source_letters_before_digits():
    text = _page("x.png")
    for sign in load_signs().values():
        assert f"| {sign.label} | {sign.words} |" in text
        assert sign.source in text
    labels = [sign.label for sign in _shown_signs()]
    assert labels[:2] == ["A", "B"] and labels[-2:] == ["8", "9"]


def test_the_sheet_has_a_cell_a_sign():
    sheet = _contact_sheet(_shown_signs()[:5], columns=2, size_px=48)
    assert sheet.shape == (3 * 48, 2 * 48, 3)
    last = sheet[-48:, -48:]
    assert (last == last[0, 0]).all(), "an empty cell is paper"
    assert not (sheet[:48, :48] == last).all()


def test_writing_the_sheet_twice_gives_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr("fingerspell.synth.sheet._shown_signs", lambda: _shown_signs()[:2])
    one, two = write_sheet(tmp_path / "one"), write_sheet(tmp_path / "two")
    assert one[0].read_bytes() == two[0].read_bytes()
    assert one[0].read_bytes()[1:4] == b"PNG"
