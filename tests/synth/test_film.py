"""Words as movement: what is signed when, and that it can be read back from a file."""

import json
from dataclasses import replace
from itertools import groupby

import cv2
import numpy as np
import pytest

from fingerspell.errors import ConfigError, DataError
from fingerspell.synth import SynthConfig, Timing, film, write_video
from fingerspell.synth.anatomy import AVERAGE
from fingerspell.synth.motion import at_time, spell
from fingerspell.synth.video import Frame

TINY = (48, 64)
QUICK = Timing(hold_s=0.2, move_s=0.1, stroke_s=0.3, rest_s=0.1)


@pytest.fixture(scope="module")
def shots():
    """The frames of a short film."""
    return list(film("I", fps=8, size_px=TINY, timing=QUICK))


def keys_of(word, timing=QUICK):
    return spell(word, np.random.default_rng(0), AVERAGE, timing)


def held(word, timing=QUICK):
    """The labels of the holds and strokes, each as often as it is made."""
    keys = [key for key in keys_of(word, timing) if key.phase != "move"]
    times = sorted({key.time_s for key in keys})
    shown = [at_time(keys_of(word, timing), t + 1e-6) for t in times]
    runs = groupby(shown, key=lambda key: (key.label, key.phase))
    return [label for (label, phase), _ in runs if phase in ("hold", "stroke")]


def test_a_word_is_signed_letter_by_letter_and_small_letters_and_blanks_are_understood():
    assert held("CAB") == ["C", "A", "B"]
    assert held("a b") == ["A", "space", "B"]


def test_a_word_begins_and_ends_with_nothing_and_time_only_runs_forward():
    keys = keys_of("A")
    assert keys[0].label == keys[-1].label == "nothing"
    assert keys[0].place[1] < -200 and keys[-1].place[1] < -200
    times = [key.time_s for key in keys_of("JAZZ LL")]
    assert times == sorted(times)


@pytest.mark.parametrize(("double", "axis"), [("slide", 0), ("bounce", 1)])
def test_a_double_letter_moves_between_its_two_holds(double, axis):
    timing = Timing(hold_s=0.2, move_s=0.2, rest_s=0.1, double=double)
    keys = keys_of("LL", timing)
    moves = [k for k in keys if k.label == "L"]
    places = np.array([k.place[axis] for k in moves])
    assert np.ptp(places) > 20
    poses = [k.pose.fingers for k in moves]
    assert all(np.array_equal(poses[0], pose) for pose in poses)


def test_the_finger_of_z_draws_three_strokes_mirrored_for_the_watcher():
    z = [key.place for key in keys_of("Z") if key.phase == "stroke"]
    one, two, three = np.diff(np.array(z), axis=0)[:3]
    assert one[0] < 0 and abs(one[1]) < 1
    assert two[0] > 0 and two[1] < 0
    assert three[0] < 0 and abs(three[1]) < 1


def test_the_hand_moves_without_a_jump():
    keys = keys_of("HI")
    places = np.array([at_time(keys, t).place for t in np.arange(0, keys[-1].time_s, 0.002)])
    assert np.abs(np.diff(places, axis=0)).max() < 12


def test_views_turn_the_short_way_round():
    one, *_ = keys_of("A")
    start = replace(one, time_s=0.0, view=np.array([170.0, 0, 0]))
    end = replace(one, time_s=1.0, view=np.array([-170.0, 0, 0]))
    assert abs(at_time((start, end), 0.5).view[0]) > 170


def test_the_same_seed_films_the_same_pixels_and_without_a_hand_there_are_no_landmarks(shots):
    again = list(film("I", fps=8, size_px=TINY, timing=QUICK))
    assert len(shots) == len(again) > 3
    assert all(np.array_equal(one.rgb, other.rgb) for one, other in zip(shots, again, strict=True))
    assert shots[0].label == "nothing" and np.isnan(shots[0].landmarks).all()


def test_a_film_shows_hands_as_large_as_the_pictures_that_teach_them():
    size = (72, 96)
    boxes = [f.box for f in film("EL", fps=8, size_px=size, timing=QUICK) if f.phase == "hold"]
    shares = [max(x1 - x0, y1 - y0) / max(size) for x0, y0, x1, y1 in boxes]
    assert min(shares) > SynthConfig().fill[0] and max(shares) < 1


@pytest.fixture(params=[".mp4", ".y4m"])
def path(request, tmp_path):
    return tmp_path / f"film{request.param}"


def test_a_video_has_a_truth_for_each_of_its_frames(path, shots):
    truth_path = write_video(iter(shots), path, 8, "I")
    truth = json.loads(truth_path.read_text(encoding="utf-8"))
    video = cv2.VideoCapture(str(path))
    pictures = []
    while (got := video.read())[0]:
        pictures.append(got[1][..., ::-1])
    assert len(pictures) == len(truth["frames"]) == len(shots)
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(8)
    assert np.abs(pictures[-1].astype(int) - shots[-1].rgb).mean() < 12
    assert {entry["label"] for entry in truth["frames"]} == {"nothing", "I"}
    assert sorted(p.name for p in path.parent.iterdir()) == ["film.json", path.name]


def blank(height, width, colour=(0, 0, 0)):
    return Frame(
        rgb=np.full((height, width, 3), colour, np.uint8), time_s=0.0, label="A", phase="hold",
        landmarks=np.zeros((21, 2)), box=(0, 0, 1, 1),
    )  # fmt: skip


def test_red_stays_red_in_a_file(path):
    write_video([blank(32, 48, (220, 30, 30))] * 3, path, 8, "A")
    _, bgr = cv2.VideoCapture(str(path)).read()
    assert np.abs(bgr[..., ::-1].mean(axis=(0, 1)) - [220, 30, 30]).max() < 25


def test_odd_sides_and_unknown_suffixes_are_refused_and_leave_nothing(tmp_path):
    with pytest.raises(DataError, match="even"):
        write_video([blank(33, 64)], tmp_path / "a.y4m", 8, "A")
    with pytest.raises(DataError, match=r"\.y4m"):
        write_video([blank(32, 64)], tmp_path / "a.gif", 8, "A")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_film_leaves_nothing_behind(path):
    def frames():
        yield blank(32, 48)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(frames(), path, 8, "A")
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("word", ["", "Ä", "A" * 201])
def test_words_that_cannot_be_spelled_and_unknown_ways_of_doubling_are_refused(word):
    with pytest.raises(ConfigError):
        keys_of(word)
    with pytest.raises(ConfigError, match="double"):
        Timing(double="twice")
