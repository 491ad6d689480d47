"""A second look, closer, at the part around the hand."""

import cv2
import keras
import numpy as np
import pytest

from fingerspell.config import ModelConfig
from fingerspell.errors import ConfigError
from fingerspell.model import (
    at_size,
    backbone_of,
    build_recogniser,
    hand_crop,
    load_recogniser,
    rebuild_in_float32,
    save_recogniser,
    size_of,
    views_network,
    views_of,
    with_hand_crop,
    with_views,
)
from fingerspell.model.build import feature_network
from fingerspell.model.weights import built_as
from helpers.exports import PLACE_CHANNELS, SIZE_PX, fitted, recogniser, shares, somewhere

X = fitted(5)


def nowhere() -> hand_crop.HandBox:
    kernel = np.zeros((1, 1, PLACE_CHANNELS, 1), np.float32)
    return hand_crop.HandBox(((kernel, np.full(1, -30, np.float32)),))


def answers(model: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return np.asarray(model(pictures, training=False))


def shares_of(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    out = np.zeros((1, 10, 10, 1), np.float32)
    out[:, y0:y1, x0:x1] = 1
    return out


def squares(shares: np.ndarray) -> list[float]:
    return [float(np.asarray(value)[0, 0]) for value in hand_crop._square_of(shares)]


def test_the_square_lies_around_the_hand_wider_by_the_margin_and_within_the_picture():
    """A large hand is seen whole, and a tiny one not beyond what pixels give."""
    around = [0.45, 0.55, 0.3 * hand_crop._MARGIN]
    assert squares(shares_of(3, 4, 6, 7)) == pytest.approx(around, abs=2e-3)
    x, y, side = squares(shares_of(8, 0, 10, 3))
    assert x == pytest.approx(1 - side / 2) and y == pytest.approx(side / 2)
    assert squares(shares_of(0, 0, 9, 8)) == pytest.approx([0.5, 0.5, 1.0])
    assert squares(shares_of(5, 5, 6, 6))[2] == pytest.approx(hand_crop._LEAST_SIDE)


@pytest.mark.parametrize("sure", [0.0, 0.3])
def test_without_a_sure_hand_more_of_the_picture_is_seen(sure):
    x, y, side = squares(shares_of(2, 2, 4, 4) * np.float32(sure))
    assert side >= 1 - sure
    if sure == 0:
        assert (x, y, side) == pytest.approx((0.5, 0.5, 1.0), abs=1e-3)


RGB = np.random.default_rng(1).random((48, 64, 3), np.float32)


def cut(where: tuple[float, float, float], size_px: tuple[int, int]) -> np.ndarray:
    square = (np.array([[v]], np.float32) for v in where)
    return np.asarray(hand_crop._cut(RGB[None], *square, size_px))[0]


def test_a_square_as_large_as_the_picture_is_the_picture_itself():
    np.testing.assert_array_equal(cut((0.5, 0.5, 1.0), (48, 64)), RGB)


@pytest.mark.parametrize(
    ("where", "size_px"),
    [((0.6, 0.4, 0.5), (48, 64)), ((0.2, 0.85, 0.3), (48, 64)), ((0.7, 0.6, 0.5), (36, 48))],
)
def test_enlarging_is_what_opencv_does(where, size_px):
    x, y, side = where
    steps = [side * old / new for old, new in zip((48, 64), size_px, strict=True)]
    left = (x - side / 2) * 64 + steps[1] / 2 - 0.5
    top = (y - side / 2) * 48 + steps[0] / 2 - 0.5
    matrix = np.array([[steps[1], 0, left], [0, steps[0], top]])
    how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    expected = cv2.warpAffine(RGB, matrix, size_px[::-1], **how)
    # OpenCV counts in thirty-seconds of a pixel.
    assert np.abs(cut(where, size_px) - expected).max() < 0.03


@pytest.mark.parametrize("side", [1.0, 0.75])
@pytest.mark.parametrize("size_px", [(30, 40), (15, 20)])
def test_shrinking_averages_over_areas(side, size_px):
    """Points between pixels would miss some: a striped sleeve would flicker."""
    top, left = (round(n * (1 - side) / 2) for n in (48, 64))
    inside = RGB[top : 48 - top, left : 64 - left]
    expected = cv2.resize(inside, size_px[::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(cut((0.5, 0.5, side), size_px), expected, atol=1e-5)


def test_half_precision_looks_at_the_same_place():
    for number in (hand_crop._MARGIN, hand_crop._LEAST_SIDE, hand_crop._LITTLE):
        assert float(np.float16(number)) == number


DOUBLE_PX = (2 * SIZE_PX[0], 2 * SIZE_PX[1])


def by_both(pictures: np.ndarray) -> np.ndarray:
    """Returns the mean answers to pictures and their mirror images."""
    return (answers(recogniser(), pictures) + answers(recogniser(), pictures[:, :, ::-1])) / 2


def test_where_no_hand_is_found_the_picture_is_read_as_it_is_and_mirrored():
    closer = with_hand_crop(recogniser(), nowhere())
    np.testing.assert_allclose(answers(closer, X), by_both(X), atol=1e-5)
    np.testing.assert_allclose(answers(closer, X), answers(closer, X[:, :, ::-1]), atol=1e-5)
    assert np.abs(answers(recogniser(), X) - by_both(X)).max() > 0.01


def test_each_look_is_told_by_itself():
    closer = with_hand_crop(recogniser(), nowhere())
    views = answers(views_network(closer), X)
    assert views.shape == (len(X), 2, answers(closer, X).shape[1])
    for view, pictures in enumerate((X, X[:, :, ::-1])):
        np.testing.assert_allclose(views[:, view], answers(recogniser(), pictures), atol=1e-5)
    once = answers(views_network(recogniser()), X)
    np.testing.assert_array_equal(once[:, 0], answers(recogniser(), X))


def test_every_picture_is_answered_by_itself():
    closer = with_hand_crop(recogniser(), somewhere())
    together = answers(closer, X)
    for number in range(len(X)):
        alone = answers(closer, X[number : number + 1])
        np.testing.assert_allclose(alone[0], together[number], atol=1e-5)


def test_it_reads_the_part_around_the_hand():
    once, place = recogniser(), somewhere()
    found = hand_crop._square_of(shares(place, np.asarray(hand_crop.grid_network(once)(X))))
    near = np.asarray(hand_crop._cut(X, *found, SIZE_PX))
    assert np.abs(near - X).max() > 0.1
    np.testing.assert_allclose(answers(with_hand_crop(once, place), X), by_both(near), atol=1e-4)


def test_it_is_saved_and_built_anew_as_one_that_looks_closer(tmp_path):
    closer, pictures = with_hand_crop(recogniser(), somewhere(), DOUBLE_PX), blocky(X)
    save_recogniser(closer, tmp_path / "model.keras")
    loaded = load_recogniser(tmp_path / "model.keras")
    for again in (loaded, rebuild_in_float32(loaded)):
        assert built_as(again) == {"views": "hand_crop", "network_px": max(SIZE_PX)}
        np.testing.assert_allclose(answers(again, pictures), answers(closer, pictures), atol=1e-5)
        layers = (hand_crop.hand_box_of(model).layers for model in (again, closer))
        for ours, theirs in zip(*layers, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(one, other)


LARGER = fitted(5, (80, 80))
"""The pictures of `X` as a recogniser takes them whose backbone sees them as `X`."""


def blocky(pictures: np.ndarray) -> np.ndarray:
    """Returns pictures twice as large that are the old ones to any way of shrinking."""
    return pictures.repeat(2, axis=1).repeat(2, axis=2)


def test_the_backbone_may_see_less_than_the_recogniser_takes():
    model = with_views(recogniser(), DOUBLE_PX, None)
    assert (size_of(model), size_of(backbone_of(model))) == (DOUBLE_PX, SIZE_PX)
    np.testing.assert_allclose(answers(model, blocky(X)), answers(recogniser(), X), atol=1e-5)
    features = answers(feature_network(recogniser()), X)
    np.testing.assert_allclose(answers(feature_network(model), blocky(X)), features, atol=1e-5)
    assert size_of(at_size(model, (48, 48))) == (48, 48)


def test_pictures_that_shrink_little_are_read_as_fitted_ones():
    off = np.abs(
        answers(with_views(recogniser(), (80, 80), None), LARGER) - answers(recogniser(), X)
    )
    assert off.mean() < 0.02


def test_both_looks_share_the_backbone(tmp_path):
    """Otherwise a file would hold it twice, and what is learnt later would count for one."""
    closer = with_hand_crop(recogniser(), somewhere())
    assert len(closer.get_weights()) == len(recogniser().get_weights()) + 4
    ours, theirs = (backbone_of(model).variables for model in (closer, recogniser()))
    assert {x.path for x in ours} == {x.path for x in theirs}


def test_its_features_and_copies_to_learn_from_look_once():
    closer = with_hand_crop(recogniser(), somewhere())
    once = at_size(closer, (32, 32))
    assert views_of(once) == "single"
    ours, theirs = (answers(feature_network(model), X) for model in (closer, recogniser()))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_where_it_computes_in_half_precision_it_answers_in_float32(half_precision):
    config = ModelConfig(backbone="MobileNetV3Small", image_size_px=SIZE_PX)
    mixed = with_hand_crop(build_recogniser(config, 4), nowhere())
    assert answers(mixed, X).dtype == np.float32
    plain = rebuild_in_float32(mixed)
    assert views_of(plain) == "hand_crop"
    assert plain.get_layer(hand_crop.HAND_CELLS).dtype == "float32"


def test_a_backbone_without_a_known_grid_and_unknown_views_are_refused():
    other = keras.Model(recogniser().input, recogniser().output, name="Other")
    with pytest.raises(ConfigError, match="a hand crop with the backbone Other"):
        with_hand_crop(other, nowhere())
    with pytest.raises(ConfigError, match="single, hand_crop"):
        ModelConfig(views="twice")
