"""Where the hand is, taught by synthetic hands."""

import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.labels import LETTERS
from fingerspell.model.hand_crop import grid_network
from fingerspell.synth import draw
from fingerspell.train import hand_box
from helpers.exports import SIZE_PX, recogniser
from helpers.small_run import STILL


def test_a_cell_has_the_share_that_the_box_covers():
    found = hand_box._cell_shares((20, 10, 50, 30), (40, 80), (4, 4))
    assert found.shape == (4, 4)
    np.testing.assert_allclose(found, np.outer([0, 1, 1, 0], [0, 1, 0.5, 0]))
    assert found.sum() * 10 * 20 == pytest.approx(30 * 20)
    assert hand_box._cell_shares((0, 0, 0, 0), (40, 80), (4, 4)).sum() == 0


@pytest.mark.parametrize("scale", [0.3, 0.7, 1.1])
def test_a_box_goes_where_its_hand_goes(scale):
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[12:36, 20:60] = 255
    behind = np.full((60, 80, 3), 7, np.uint8)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        out, box = hand_box._pasted(rgb, (20, 12, 60, 36), behind, scale, rng)
        rows, columns = np.nonzero((out > 128).all(axis=2))
        seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        np.testing.assert_allclose(seen, box, atol=1)
        assert (out == 7).any() == (scale < 1)


def test_the_regression_finds_what_made_the_shares():
    rng = np.random.default_rng(0)
    rows = rng.normal(3, 2, (20_000, 4))
    kernel, bias = np.array([1.0, -0.5, 0.0, 0.25]), -0.7
    shares = 1 / (1 + np.exp(-(rows @ kernel + bias)))
    found = hand_box._fit_logistic(rows, shares)
    np.testing.assert_allclose(found.kernel, kernel, atol=0.05)
    assert found.bias == pytest.approx(bias, abs=0.2)


def test_cells_of_hands_that_it_has_not_seen_are_told_from_others_and_each_time_alike(monkeypatch):
    for name, value in (("_HANDS", 78), ("_SCENES", 12)):
        monkeypatch.setattr(hand_box, name, value)
    found, again = (hand_box.train_hand_box(recogniser(), STILL, seed=4) for _ in range(2))
    np.testing.assert_array_equal(found.kernel, again.kernel)
    assert found.bias == again.bias
    hands = [draw(x, 900 + i, SIZE_PX) for i, x in enumerate(LETTERS)]
    pictures = np.stack([hand.rgb for hand in hands]).astype(np.float32) / 255
    features = np.asarray(grid_network(recogniser())(pictures))
    said = 1 / (1 + np.exp(-(features @ found.kernel + found.bias)))
    truth = np.stack([hand_box._cell_shares(hand.box, SIZE_PX, said.shape[1:]) for hand in hands])
    inside, outside = said[truth > 0.9].mean(), said[truth < 0.1].mean()
    assert inside > outside + 0.05  # The network itself is untrained.


def test_pictures_are_damaged_as_the_run_says_but_never_moved(monkeypatch):
    monkeypatch.setattr(hand_box, "_HANDS", 2)
    monkeypatch.setattr(hand_box, "_SCENES", 3)
    grey = AugmentConfig(**{**dict.fromkeys(AugmentConfig.__slots__, 0.0), "grey_share": 1.0})
    moved = AugmentConfig(**{**dict.fromkeys(AugmentConfig.__slots__, 0.0), "shift": 0.3})
    plain, greyed, still = (
        list(hand_box._pictures(SIZE_PX, changes, seed=1)) for changes in (STILL, grey, moved)
    )
    assert len(plain) == 3 + 2 * hand_box._PLACED
    assert all(np.ptp(rgb, axis=2).max() == 0 for rgb, _ in greyed)
    assert [box for _, box in plain][:3] == [(0.0, 0.0, 0.0, 0.0)] * 3
    assert any(np.ptp(rgb, axis=2).max() > 0 for rgb, _ in plain)
    np.testing.assert_array_equal(still[0][0], plain[0][0])
