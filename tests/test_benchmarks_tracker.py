"""A tracker's points are kept as they are seen; what learns from them never sees who is asked."""

import math
import types
from pathlib import Path

import numpy as np
import pytest
import torch

import hand_points
import tracker_letters
import tracker_network
from fingerspell.images import encode_jpeg
from fingerspell.labels import LETTERS
from hand_points import NOWHERE
from source_names import STRANGERS, STUDY_ONLY
from tracker_network import RELEASABLE
from tracker_page import tracker as page_of

COMMON = {"command": "c", "commit": "abc", "finished": "2026-01-01", "versions": {},
          "machine": {"system": "s", "processor": "p", "cores": 2}}  # fmt: skip


class Tracker:
    """Sees a hand at one place of what it is shown, but only with room around it."""

    def __init__(self, place, needs_px=0):
        self.place, self.needs_px, self.shown = place, needs_px, []

    def process(self, rgb):
        self.shown.append(rgb.shape[:2])
        seen = min(rgb.shape[:2]) >= self.needs_px
        border = (rgb.shape[1] - 300) / 2 if rgb.shape[1] > 300 else 0
        x, y = (place + border for place in self.place)
        spot = types.SimpleNamespace(x=x / rgb.shape[1], y=y / rgb.shape[0], z=30 / rgb.shape[1])
        joint = types.SimpleNamespace(x=0.01, y=0.02, z=0.03)
        one = [types.SimpleNamespace(landmark=[x] * 21) for x in (spot, joint)]
        return types.SimpleNamespace(
            multi_hand_landmarks=one[:1] if seen else None, multi_hand_world_landmarks=one[1:]
        )


def test_points_lie_where_the_picture_shows_them_with_a_border_too():
    picture = np.zeros((150, 300, 3), np.uint8)
    plain, _ = hand_points.seen_by(Tracker((90, 60)), picture)
    shy = Tracker((90, 60), needs_px=200)
    bordered, world = hand_points.seen_by(shy, picture)
    np.testing.assert_allclose(plain[0], (0.3, 0.2, 0.1), atol=1e-6)
    np.testing.assert_allclose(bordered[0], plain[0], atol=1e-6)
    np.testing.assert_allclose(world[5], (0.01, 0.02, 0.03), atol=1e-6)
    assert shy.shown == [(150, 300), (390, 540)], "first without a border"


def test_where_no_hand_is_found_points_are_unknown():
    points, world = hand_points.seen_by(Tracker((1, 1), needs_px=9999), np.zeros((300, 300, 3)))
    assert np.isnan(points).all() and np.isnan(world).all() and points.shape == (21, 3)


def test_pictures_come_in_a_size_that_the_tracker_likes():
    sides = [
        hand_points.brought_to_size(np.zeros((*side, 3), np.uint8)).shape[:2]
        for side in ((50, 100), (300, 300), (1000, 2000))
    ]
    assert sides == [(100, 200), (300, 300), (240, 480)]


def test_a_second_call_reads_what_is_missing(tmp_path, monkeypatch, capsys):
    for name in ("a/A/1.jpg", "a/A/2.jpg", "b/B/3.JPG"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "data" / "a" / "A" / "notes.txt").touch()
    asked = []

    def read_all(data, names):
        asked.append(list(names))
        return [(name, (np.full((21, 3), len(asked), np.float32),) * 2) for name in names]

    monkeypatch.setattr(hand_points, "read_all", read_all)
    version = [hand_points.VERSION]
    monkeypatch.setattr("importlib.metadata.version", lambda _: version[0])
    points = tmp_path / "made" / "points.npz"
    call = ["x", "--data", str(tmp_path / "data"), "--output", str(points)]
    monkeypatch.setattr("sys.argv", call)
    assert hand_points.main() == 0
    (tmp_path / "data" / "a" / "A" / "4.jpg").touch()
    (tmp_path / "data" / "a" / "A" / "1.jpg").unlink()
    assert hand_points.main() == 0
    assert asked == [["a/A/1.jpg", "a/A/2.jpg", "b/B/3.JPG"], ["a/A/4.jpg"]]
    kept = hand_points.stored_in(points)
    assert {name: float(seen[0][0, 0]) for name, seen in kept.items()} == {
        "a/A/2.jpg": 1.0, "a/A/4.jpg": 2.0, "b/B/3.JPG": 1.0,
    }  # fmt: skip
    assert [path.name for path in points.parent.iterdir()] == ["points.npz"]
    version[0] = "0.9.1"
    with pytest.raises(SystemExit) as told:
        hand_points.main()
    assert told.value.code == 2 and "mediapipe 0.9.1" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["x", "--data", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as told:
        hand_points.main()
    assert told.value.code == 2 and "has no pictures" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "letter"), [
    ("digits_218/0/IMG_1118.jpg", "O"),
    ("digits_218/7/IMG_1118.jpg", None),
    ("digits_218/3/IMG_1118.jpg", None),
    ("pale_sofa/M/1.jpg", None),
    ("pale_sofa/A/1.jpg", "A"),
    ("keptsecret/space/1.jpg", None),
    ("kaggle_alphabet/T/1.jpg", "T"),
    ("kaggle_alphabet/del/1.jpg", None),
])  # fmt: skip
def test_letters_are_those_that_the_released_recogniser_learnt(name, letter):
    assert tracker_network.letter_of(name) == letter


def hand(*tips):
    """Returns points of a hand in which finger i reaches as far as tips[i]."""
    points = np.zeros((21, 3), np.float32)
    for finger, tip in enumerate(tips):
        for joint in range(4):
            points[1 + 4 * finger + joint] = (0.1 * finger, -tip * (joint + 1) / 4, 0)
    return points, points * 0.1


def test_hands_are_taken_from_the_sources_asked_for_alone():
    seen = {
        "hawk/A/1.jpg": hand(1, 0, 0, 0, 0),
        "hawk/B/1.jpg": hand(1, 1, 1, 1, 1),
        "hawk/B/2.jpg": NOWHERE,
        "rooms/B/1.jpg": hand(0, 1, 1, 1, 1),
        "massey/B/1.jpg": hand(0, 1, 1, 1, 1),
    }
    hands = tracker_network.hands_of(seen, ["hawk", "rooms"])
    assert sorted(hands.letters.tolist()) == [0, 1, 1]


def test_letters_count_alike_and_sources_by_the_root_of_their_size():
    of = [("x", "A")] * 6 + [("x", "B")] * 10 + [("y", "A")] * 4
    weights = tracker_network.weights_of(of)
    per = {key: sum(w for w, k in zip(weights, of, strict=True) if k == key) for key in set(of)}
    assert per["x", "A"] + per["y", "A"] == pytest.approx(1)
    assert per["x", "B"] == pytest.approx(1)
    assert per["x", "A"] / per["y", "A"] == pytest.approx(4 / 2 / 2), "x spreads over two letters"


def test_a_shape_is_the_same_wherever_and_however_large_the_hand_is():
    points, joints = (torch.from_numpy(x)[None] for x in hand(1, 0.4, 0.8, 0.3, 0.6))
    shape = tracker_network.shape_of(points, joints)
    moved = tracker_network.shape_of(points * 3 + torch.tensor([5.0, 7.0, 1.0]), joints * 2 - 1)
    other = tracker_network.shape_of(*(torch.from_numpy(x)[None] for x in hand(1, 1, 1, 1, 1)))
    np.testing.assert_allclose(shape, moved, atol=1e-4)
    assert (shape - other).abs().max() > 0.3 and shape.shape == (1, 546)


def test_hands_are_turned_a_little_and_half_of_them_mirrored():
    points = torch.zeros(400, 21, 3)
    points[:, 8] = torch.tensor([0.6, 0.8, 0.2])
    lot = torch.Generator().manual_seed(1)
    made, joints = tracker_network.changed(points, points.clone(), lot)
    angles = torch.atan2(made[:, 8, 1], made[:, 8, 0].abs()) * 180 / math.pi
    usual = math.degrees(math.atan2(0.8, 0.6))
    assert 0.4 < (made[:, 8, 0] < 0).float().mean() < 0.6
    assert (angles - usual).abs().max() < tracker_network.TURNED_DEG + 3
    assert (angles - usual).abs().max() > tracker_network.TURNED_DEG - 5
    np.testing.assert_allclose(joints[:, 8].norm(dim=1), 1.02, atol=0.05)
    same = torch.sign(made[:, 8, 0]) == torch.sign(joints[:, 8, 0])
    assert same.all(), "both are turned alike"


def some_hands(rng, count):
    """Returns hands that show A (fist), B (flat) or L (two fingers), each a little otherwise."""
    shapes = {"A": (0.5, 0.2, 0.2, 0.2, 0.2), "B": (0.4, 1, 1, 1, 1), "L": (1, 1, 0.2, 0.2, 0.2)}
    return {
        f"hawk/{letter}/{number}.jpg": hand(*(np.array(tips) + rng.normal(0, 0.05, 5)))
        for letter, tips in shapes.items()
        for number in range(count)
    }


def test_what_is_learnt_is_told_of_other_hands_and_of_left_ones():
    rng = np.random.default_rng(0)
    hands = tracker_network.hands_of(some_hands(rng, 30), ["hawk"])
    network = tracker_network.trained(hands, seed=1, steps=80)
    others = some_hands(rng, 20)
    truth = [LETTERS.index(name.split("/")[1]) for name in others]
    said = tracker_network.said_by([network], list(others.values()))
    left = [tuple(x * np.array([-1, 1, 1], np.float32) for x in one) for one in others.values()]
    assert (said.argmax(1) == truth).mean() > 0.95
    np.testing.assert_allclose(tracker_network.said_by([network], left), said, atol=1e-5)
    nowhere = tracker_network.said_by([network], [NOWHERE, next(iter(others.values()))])
    np.testing.assert_allclose(nowhere[0], 1 / 26, atol=1e-6)
    np.testing.assert_allclose(nowhere[1], said[0], atol=1e-5)


def test_where_no_hand_is_found_the_tracker_has_read_nothing():
    truth = np.array([0, 0, 1, 1])
    ours = np.eye(26)[[0, 2, 1, 3]] * 0.5 + 0.01
    theirs = np.eye(26)[[2, 0, 4, 1]] * 0.9 + 0.01
    theirs[0] = 1 / 26
    row = tracker_letters.compared(truth, ours, theirs, np.array([False, True, True, True]))
    assert row["found"] == 0.75
    assert row["released"] == 0.5 and row["tracker"] == 0.5 and row["either"] == 1.0
    assert row["of_found"] == pytest.approx(2 / 3)
    assert row["released_of_found"] == pytest.approx(1 / 3)
    assert row["together"] == 0.75, "the surer one is believed, and alone where no hand is found"
    blind = tracker_letters.compared(np.array([0]), ours[:1], np.eye(26)[[0]], np.array([False]))
    assert blind["tracker"] == 0 and blind["either"] == 1.0


SEEN = {
    f"{source}/{letter}/1.jpg": hand(1, 0, 0, 0, 0)
    for source in (*RELEASABLE, *STUDY_ONLY, *STRANGERS)
    for letter in "ABJ"
    if source != "digits_218"
}


def test_who_reads_a_source_never_learnt_from_it(monkeypatch):
    taught = []
    monkeypatch.setattr(tracker_letters, "hands_of", lambda _, sources: sorted(sources))
    monkeypatch.setattr(tracker_letters, "trained", lambda hands, _: taught.append(hands) or hands)
    monkeypatch.setattr(tracker_letters, "share", lambda network, _, __, of: float(of in network))
    truth = tracker_letters.letters_in(SEEN, (*RELEASABLE, *STUDY_ONLY, *STRANGERS))
    assert truth["hawk"][0] == ["hawk/A/1.jpg", "hawk/B/1.jpg"], "J is a movement"
    truth = {name: found for name, found in truth.items() if found[0]}
    few, every = ["hawk", "rooms"], ["hawk", "rooms", *STUDY_ONLY]
    first = tracker_letters.left_out(SEEN, truth, few, few)
    assert set(first) == set(truth) - set(STRANGERS)
    assert sorted(taught) == [["hawk"], ["rooms"]], "the others are read by who learnt from all"
    assert {first[name] for name in STUDY_ONLY} == {0.0} and first["hawk"] == 0.0
    whole = tracker_letters.left_out(SEEN, truth, every, every)
    assert {whole[name] for name in every} == {0.0}


def test_fewer_sources_are_synthetic_by_lot_and_read_the_unseen_signers(monkeypatch):
    monkeypatch.setattr(tracker_letters, "hands_of", lambda _, sources: list(sources))
    monkeypatch.setattr(tracker_letters, "trained", lambda hands, _: hands)
    monkeypatch.setattr(tracker_letters, "share", lambda network, *_: len(network) / 100)
    sources = [f"s{number}" for number in range(14)]
    rows = tracker_letters.fewer({}, {}, sources)
    assert [row["count"] for row in rows] == [
        count for count in tracker_letters.COUNTS for _ in range(tracker_letters.DRAWS)
    ]
    assert all(len(set(row["sources"])) == row["count"] for row in rows)
    assert all(set(row["unseen_signers"]) == set(STRANGERS) for row in rows)
    assert len({tuple(row["sources"]) for row in rows}) == len(rows)


def test_missing_points_are_named_before_anything_is_learnt(tmp_path, capsys):
    points = tmp_path / "points.npz"
    with pytest.raises(SystemExit) as told:
        tracker_letters.main(["--data", str(tmp_path), "--points", str(points)])
    assert told.value.code == 2 and "run hand_points.py" in capsys.readouterr().err
    seen = {**SEEN, "digits_218/0/IMG_1118.jpg": hand(1, 1, 1, 1, 1)}
    hand_points.store(points, seen)
    with pytest.raises(SystemExit) as told:
        tracker_letters.main(["--data", str(tmp_path), "--points", str(points)])
    assert told.value.code == 2 and "lacks pictures" in capsys.readouterr().err


def test_the_study_runs_from_points_to_its_file(tmp_path, monkeypatch):
    seen = {**SEEN, "digits_218/0/IMG_1118.jpg": hand(1, 1, 1, 1, 1)}
    for name in seen:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(np.full((64, 64, 3), 90, np.uint8)))
    hand_points.store(tmp_path / "points.npz", seen)
    saved = {}
    monkeypatch.setattr(
        tracker_letters, "save", lambda name, figures: saved.update({name: figures})
    )
    monkeypatch.setattr(tracker_letters, "COUNTS", (2,))
    monkeypatch.setattr(tracker_letters, "DRAWS", 1)
    short = tracker_network.trained
    monkeypatch.setattr(tracker_letters, "trained", lambda hands, seed: short(hands, seed, steps=2))
    data, points = tmp_path / "data", tmp_path / "points.npz"
    assert tracker_letters.main(["--data", str(data), "--points", str(points)]) == 0
    page = page_of(saved["tracker_letters"])
    assert any("**mean of 14**" in line for line in page)
    assert sum(line.startswith("| dev_") for line in page) == len(STRANGERS)


def test_the_page_tells_means_and_how_far_seeds_are_apart():
    keys = ("found", "released", "tracker", "released_of_found", "of_found", "together", "either")
    row = {key: 0.5 + place / 100 for place, key in enumerate(keys)}
    better = {**row, "either": 0.96}
    names = ("hawk", *STUDY_ONLY)
    figures = {
        **COMMON, "learnt_from": 1234, "seeds": [1, 2],
        "sources": {**dict.fromkeys(STUDY_ONLY, row), **dict.fromkeys(STRANGERS[1:], row),
                    STRANGERS[0]: better},
        "licence": {"releasable": [dict.fromkeys(STRANGERS, 0.8), dict.fromkeys(STRANGERS, 0.82)],
                    "all": [dict.fromkeys(STRANGERS, 0.9), dict.fromkeys(STRANGERS, 0.9)]},
        "left_out": {"releasable": dict.fromkeys(names, 0.7), "all": dict.fromkeys(names, 0.75)},
        "fewer": [{"count": 2, "unseen_signers": dict.fromkeys(STRANGERS, share)}
                  for share in (0.5, 0.7)],
    }  # fmt: skip
    page = page_of(figures)
    assert "| webcam_green | 50.0 % | 51.0 % | 52.0 % | 53.0 % | 54.0 % | 55.0 % | 56.0 % |" in page
    assert any("would read 64.0 %" in line and "1,234" not in line for line in page)
    assert "| hawk | 70.0 % | 75.0 % |" in page
    assert "| **mean of 6** | 70.0 % | 75.0 % |" in page
    assert "| **the five `dev_` sources** | 81.0 % (2.0) | 90.0 % (0.0) |" in page
    assert "| 2 | 2 | 60.0 % | 50.0 % | 70.0 % |" in page


def test_a_file_that_is_no_picture_is_named(tmp_path, monkeypatch):
    solutions = types.SimpleNamespace(hands=types.SimpleNamespace(Hands=lambda **_: None))
    fake = types.SimpleNamespace(solutions=solutions)
    monkeypatch.setitem(__import__("sys").modules, "mediapipe", fake)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit, match=r"broken\.jpg is no picture"):
        hand_points.read_part(Path(tmp_path), ["broken.jpg"], 1)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut short"])
def test_damaged_points_are_told_of(tmp_path, content):
    (tmp_path / "points.npz").write_bytes(content)
    with pytest.raises(SystemExit, match="is damaged: remove it"):
        hand_points.stored_in(tmp_path / "points.npz")
