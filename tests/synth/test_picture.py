"""One synthetic picture: repeatable, labelled, and a hand."""

from dataclasses import replace

import numpy as np
import pytest

from fingerspell.errors import ConfigError
from fingerspell.labels import ALPHABET
from fingerspell.synth import SynthConfig, draw
from fingerspell.synth.picture import generator
from fingerspell.synth.scene import _draw_person
from fingerspell.synth.skin import sample_look

CLEAR = SynthConfig(
    slack=0, view=0, people=0, left_share=0, fill=(0.8, 0.8), scenes=(0, 0, 0, 0, 0, 1, 0),
    sleeve_share=0, back_light_share=0, shadow_share=0, motion_blur_share=0, defocus_share=0,
    low_resolution_share=0, noise_share=0, grey_share=0, jpeg_share=0,
)  # fmt: skip
SMALL = (96, 96)


@pytest.mark.parametrize("label", ALPHABET)
def test_every_class_can_be_synthetic_height_before_width(label):
    synthetic = draw(label, 3, (64, 96))
    assert synthetic.rgb.shape == (64, 96, 3)
    assert synthetic.rgb.dtype == np.uint8
    assert synthetic.mask.shape == (64, 96)


def test_the_same_seed_gives_the_same_pixels_and_another_seed_or_label_others():
    one = draw("K", 7, SMALL).rgb
    assert np.array_equal(one, draw("K", 7, SMALL).rgb)
    assert not np.array_equal(one, draw("K", 8, SMALL).rgb)
    assert not np.array_equal(one, draw("V", 7, SMALL).rgb)
    assert generator("A", 1).random() != generator("B", 1).random()


def test_landmarks_lie_in_the_box_and_on_the_hand():
    synthetic = draw("B", 1, SMALL, CLEAR)
    x0, y0, x1, y1 = synthetic.box
    x, y = synthetic.landmarks.T
    assert x.min() >= x0 - 2 and x.max() <= x1 + 2
    assert y.min() >= y0 - 2 and y.max() <= y1 + 2
    columns, rows = np.clip(synthetic.landmarks[[0, 5, 9, 13, 17]].astype(int), 0, 95).T
    assert synthetic.mask[rows, columns].all()


def test_a_left_hand_is_the_mirrored_right_one():
    right = draw("L", 2, SMALL, CLEAR)
    left = draw("L", 2, SMALL, replace(CLEAR, left_share=1))
    assert left.left and not right.left
    assert np.array_equal(left.mask, right.mask[:, ::-1])
    assert np.allclose(left.landmarks[:, 0], 96 - right.landmarks[:, 0])


def test_l_has_its_thumb_to_the_watchers_right_and_the_index_finger_on_top():
    x, y = draw("L", 2, SMALL, CLEAR).landmarks.T
    assert np.argmax(x) == 4
    assert np.argmin(y) == 8


def test_nothing_is_mostly_without_a_hand_and_shows_people_too():
    seen = [draw("nothing", seed, SMALL) for seed in range(40)]
    hands = [bool(np.isfinite(synthetic.landmarks).all()) for synthetic in seen]
    assert sum(hands) < 20
    people = [hand for hand, one in zip(hands, seen, strict=True) if one.variant == "somebody"]
    assert people and not any(people)


@pytest.mark.parametrize("tone", [0, 9])
def test_skin_is_redder_than_green_and_greener_than_blue_and_never_ink(tone):
    looks = [sample_look(np.random.default_rng(seed), tone, False, False) for seed in range(20)]
    tones = np.array([look.tone for look in looks])
    assert (np.diff(tones, axis=1) < 0).all()
    assert tones[:, 0].min() > 0.05


def test_the_face_behind_a_hand_has_its_colour():
    dark, light = (
        _draw_person(np.random.default_rng(2), 64, 64, np.full(3, value)) for value in (0.02, 0.8)
    )
    apart = np.abs(light - dark).max(axis=2) > 0.3
    assert 0.02 < apart.mean() < 0.5


@pytest.mark.parametrize(("size", "seed"), [((16, 16), 0), ((9000, 64), 0), ((64, 64), -1)])
def test_impossible_sizes_and_seeds_are_refused(size, seed):
    with pytest.raises(ConfigError):
        draw("A", seed, size)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("left_share", 1.5),
        ("slack", -1),
        ("fill", (0.9, 0.2)),
        ("tones", ()),
        ("tones", (10,)),
        ("scenes", (1, 2)),
        ("distance_mm", (50, 100)),
    ],
)
def test_settings_that_cannot_work_are_refused(setting, value):
    with pytest.raises(ConfigError, match=setting):
        SynthConfig(**{setting: value})
