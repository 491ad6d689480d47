"""Where the hand is, taught by synthetic hands."""

import cv2
import keras
import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.labels import LETTERS
from fingerspell.model.hand_crop import grid_network, hand_of
from fingerspell.synth import draw
from fingerspell.train import hand_box
from helpers.exports import SIZE_PX, recogniser, shares
from helpers.small_run import STILL


def test_what_is_learnt_of_a_box_is_each_cells_share_and_its_square():
    found = hand_box._target((0.25, 0.25, 0.625, 0.75), (4, 4))
    assert found.shape == (4, 4, 4)
    np.testing.assert_allclose(found[..., 0], np.outer([0, 1, 1, 0], [0, 1, 0.5, 0]))
    np.testing.assert_allclose(found[0, 0, 1:], (0.4375, 0.5, np.sqrt(0.375 * 0.5)))
    assert hand_box._target((0, 0, 0, 0), (4, 4))[..., [0, 3]].sum() == 0


@pytest.mark.parametrize("cut_out", [False, True])
@pytest.mark.parametrize("scale", [0.3, 0.7, 1.1])
def test_a_box_goes_where_its_hand_goes(scale, cut_out):
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[12:36, 20:60] = 255
    share = (rgb[..., 0] > 0).astype(np.float32) if cut_out else None
    behind = np.full((60, 80, 3), 7, np.uint8)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        out, box = hand_box._pasted(rgb, share, (20, 12, 60, 36), behind, scale, rng)
        rows, columns = np.nonzero((out > 128).all(axis=2))
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(seen, np.multiply(box, (80, 60, 80, 60)), atol=1.1)
        assert (out == 7).any() == (scale < 1 or cut_out)
    assert (behind == 7).all()


def test_soft_edges_fade_into_what_is_behind():
    faded = hand_box._soft(40, 40, 0.2)
    assert faded.max() == 1 and faded[0].max() < 0.2 and faded[2, 20] < faded[3, 20] < 1
    assert hand_box._soft(40, 40, 0.0).min() == 1


def seen(boxes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns features (N, 10, 10, 3) and targets: hands are two channels together, others one."""
    features = rng.normal(0, 0.1, (boxes, 10, 10, 3))
    targets = []
    for picture in features:
        (x, y), (wide, tall) = rng.uniform(0, 0.5, 2), rng.uniform(0.2, 0.5, 2)
        target = hand_box._target((x, y, x + wide, y + tall), (10, 10))
        picture[..., :2] += target[..., :1]
        for channel in (0, 1):  # Each alone lies about anywhere.
            picture[..., channel] += np.abs(rng.normal(0, 1, (10, 10))) > 1.5
        targets.append(target)
    return features.astype(np.float16), np.stack(targets)


def test_it_learns_the_square_of_hands_among_what_is_like_them():
    rng = np.random.default_rng(0)
    found = hand_box._fit(*seen(2000, rng), seed=0, epochs=20)
    assert [kernel.shape for kernel, _ in found.layers] == [
        (3, 3, 3, 32), (3, 3, 32, 32), (1, 1, 32, 1),
    ]  # fmt: skip
    features, truth = seen(200, rng)
    x, y, side = (np.asarray(v)[:, 0] for v in hand_of(shares(found, features.astype(np.float32))))
    off = np.hypot(x - truth[:, 0, 0, 1], y - truth[:, 0, 0, 2]) / truth[:, 0, 0, 3]
    assert np.median(off) < 0.1 and np.quantile(off, 0.9) < 0.2
    assert np.abs(np.log(side / truth[:, 0, 0, 3])).mean() < 0.1


def test_a_square_that_is_wrong_costs_more_than_cells_that_are_unsure():
    target = hand_box._target((0.2, 0.2, 0.6, 0.6), (10, 10))[None]
    right, elsewhere = (
        target[..., :1],
        hand_box._target((0.5, 0.5, 0.9, 0.9), (10, 10))[None, ..., :1],
    )
    costs = [
        float(keras.ops.convert_to_numpy(hand_box._loss(target, keras.ops.convert_to_tensor(x)))[0])
        for x in (right, 0.8 * right + 0.02, elsewhere)
    ]
    assert costs == sorted(costs) and costs[0] < 0.01
    nothing = hand_box._target((0, 0, 0, 0), (10, 10))[None]
    empty = keras.ops.zeros((1, 10, 10, 1))
    assert float(keras.ops.convert_to_numpy(hand_box._loss(nothing, empty))[0]) < 0.01


def few(monkeypatch, hands: int = 78, scenes: int = 12) -> None:
    """Makes a training so small that a test can wait for it."""
    values = {"HANDS": hands, "SCENES": scenes, "EMPTY": 10, "EPOCHS": 12, "FIRST_EPOCHS": 6}
    for name, value in values.items():
        monkeypatch.setattr(hand_box, f"_{name}", value)


def test_cells_of_hands_that_it_has_not_seen_are_told_from_others_and_each_time_alike(monkeypatch):
    few(monkeypatch)
    found, again = (hand_box.train_hand_box(recogniser(), STILL, seed=4) for _ in range(2))
    for ours, theirs in zip(found.layers, again.layers, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    hands = [draw(x, 900 + i, SIZE_PX) for i, x in enumerate(LETTERS)]
    pictures = np.stack([hand.rgb for hand in hands]).astype(np.float32) / 255
    said = shares(found, np.asarray(grid_network(recogniser())(pictures)))[..., 0]
    boxes = [np.array(hand.box) / (*SIZE_PX[::-1], *SIZE_PX[::-1]) for hand in hands]
    truth = np.stack([hand_box._target(tuple(box), said.shape[1:])[..., 0] for box in boxes])
    inside, outside = said[truth > 0.9].mean(), said[truth < 0.1].mean()
    assert inside > outside + 0.05  # The network itself is untrained.


def test_pictures_are_damaged_as_the_run_says_but_never_moved(monkeypatch):
    few(monkeypatch, hands=2, scenes=3)
    grey = AugmentConfig(**{**dict.fromkeys(AugmentConfig.__slots__, 0.0), "grey_share": 1.0})
    moved = AugmentConfig(**{**dict.fromkeys(AugmentConfig.__slots__, 0.0), "shift": 0.3})
    plain, greyed, still = (
        list(hand_box._pictures(SIZE_PX, changes, 1, ())) for changes in (STILL, grey, moved)
    )
    assert len(plain) == 10 + 2 * hand_box._PLACED
    assert all(np.ptp(rgb, axis=2).max() == 0 for rgb, _ in greyed)
    assert [box for _, box in plain][:10] == [hand_box._NO_HAND] * 10
    assert any(np.ptp(rgb, axis=2).max() > 0 for rgb, _ in plain)
    np.testing.assert_array_equal(still[0][0], plain[0][0])


def test_rooms_are_laid_behind(monkeypatch):
    few(monkeypatch, hands=1, scenes=2)
    red = np.full((*SIZE_PX, 3), (254, 0, 0), np.uint8)
    red_ones = [
        rgb
        for rgb, _ in hand_box._pictures(SIZE_PX, STILL, 1, [red])
        if (np.abs(rgb.astype(int) - (254, 0, 0)).max(axis=2) <= 3).mean() > 0.3
    ]
    assert red_ones


def test_pieces_of_photographs_lie_beside_the_hand():
    rng = np.random.default_rng(0)
    for x, y, side in rng.uniform((0.1, 0.1, 0.2), (0.9, 0.9, 0.6), (300, 3)):
        part = hand_box._beside(x, y, side, rng)
        if part is None:
            continue
        x0, y0, x1, y1 = part
        assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 and x1 - x0 == pytest.approx(y1 - y0)
        assert x1 - x0 >= hand_box._LEAST_PIECE - 1e-9
        half = side / 2
        assert x1 <= x - half or x0 >= x + half or y1 <= y - half
    assert hand_box._beside(0.5, 0.6, 0.6, rng) is None  # The hand fills the picture.
    assert hand_box._beside(0.5, 0.5, 0.1, rng) == (0, 0, 1, 1)


def test_the_pieces_are_cut_where_the_first_round_sees_no_hand(tmp_path):
    """A hand that is bright, at the right: what is beside it is the dark left."""
    picture = np.zeros((*SIZE_PX, 3), np.uint8)
    picture[:, SIZE_PX[1] * 3 // 4 :] = 255
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        cv2.imwrite(str(path), picture)
    image = keras.Input((*SIZE_PX, 3))
    network = keras.Model(image, keras.layers.AveragePooling2D(8)(image))
    bright = np.full((1, 1, 3, 1), 20 / 3, np.float32), np.full(1, -10, np.float32)
    pieces = hand_box._beside_hands(network, hand_box.HandBox((bright,)), paths, seed=0)
    assert [piece.shape for piece in pieces] == [(*SIZE_PX, 3)] * 3
    assert all(piece.max() == 0 for piece in pieces)
