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
    views_network,
    views_of,
    with_hand_crop,
)
from fingerspell.model.build import feature_network
from helpers.exports import PLACE_CHANNELS, SIZE_PX, fitted, recogniser, somewhere

X = fitted(5)


def nowhere() -> hand_crop.HandBox:
    return hand_crop.HandBox(np.zeros(PLACE_CHANNELS, np.float32), -30.0)


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


@pytest.mark.parametrize("where", [(0.5, 0.5, 1.0), (0.6, 0.4, 0.5), (0.2, 0.85, 0.3)])
def test_enlarging_is_what_opencv_does(where):
    (height, width), (x, y, side) = (48, 64), where
    rgb = np.random.default_rng(1).random((height, width, 3), np.float32)
    square = (np.array([[v]], np.float32) for v in where)
    out = np.asarray(hand_crop._cut(rgb[None], *square, (height, width)))[0]
    if side == 1:
        np.testing.assert_array_equal(out, rgb)
    left, top = ((v - side / 2) * n + side / 2 - 0.5 for v, n in ((x, width), (y, height)))
    matrix = np.array([[side, 0, left], [0, side, top]])
    how = {"flags": cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, "borderMode": cv2.BORDER_REPLICATE}
    expected = cv2.warpAffine(rgb, matrix, (width, height), **how)
    assert np.abs(out - expected).max() < 0.03  # OpenCV counts in thirty-seconds of a pixel.


def test_half_precision_looks_at_the_same_place():
    for number in (hand_crop._MARGIN, hand_crop._LEAST_SIDE, hand_crop._LITTLE):
        assert float(np.float16(number)) == number


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
    rows = np.asarray(hand_crop.grid_network(once)(X)) @ place.kernel + place.bias
    found = hand_crop._square_of((1 / (1 + np.exp(-rows)))[..., None].astype(np.float32))
    near = np.asarray(hand_crop._cut(X, *found, SIZE_PX))
    assert np.abs(near - X).max() > 0.1
    np.testing.assert_allclose(answers(with_hand_crop(once, place), X), by_both(near), atol=1e-4)


def test_it_is_saved_and_built_anew_as_one_that_looks_closer(tmp_path):
    closer = with_hand_crop(recogniser(), somewhere())
    save_recogniser(closer, tmp_path / "model.keras")
    loaded = load_recogniser(tmp_path / "model.keras")
    for again in (loaded, rebuild_in_float32(closer), rebuild_in_float32(loaded)):
        assert views_of(again) == "hand_crop"
        np.testing.assert_allclose(answers(again, X), answers(closer, X), atol=1e-5)
        kernels = (hand_crop.hand_box_of(model).kernel for model in (again, closer))
        np.testing.assert_array_equal(*kernels)


def test_both_looks_share_the_backbone(tmp_path):
    """Otherwise a file would hold it twice, and what is learnt later would count for one."""
    closer = with_hand_crop(recogniser(), somewhere())
    assert len(closer.get_weights()) == len(recogniser().get_weights()) + 2
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
