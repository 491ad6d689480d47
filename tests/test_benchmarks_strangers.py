"""The strangers' benchmark counts what it says, and its page does not gloss over what is missed."""

import numpy as np
import pytest

import strangers
import strangers_page
from fingerspell.images import encode_jpeg


class Sided:
    """Says A where the left half is brighter than the right, B otherwise; surer by contrast."""

    labels = ("A", "B", "J")
    size_px = (32, 32)
    threshold = 0.7

    def probabilities(self, batch):
        left, right = batch[:, :, :16].mean((1, 2, 3)), batch[:, :, 16:].mean((1, 2, 3))
        a = 0.5 + (left - right) / 2
        return np.stack([a, 1 - a, np.zeros_like(a)], axis=1).astype(np.float32)


def half_lit(left: int, right: int) -> bytes:
    rgb = np.full((32, 32, 3), right, np.uint8)
    rgb[:, :16] = left
    return encode_jpeg(rgb, 95)


def write(folder, label, *sides):
    (folder / label).mkdir(parents=True)
    for number, (left, right) in enumerate(sides):
        (folder / label / f"{number}.jpg").write_bytes(half_lit(left, right))


@pytest.fixture
def data(tmp_path):
    for name in (*strangers.STRANGERS, *strangers.STUDIED):
        write(tmp_path / name, "A", (255, 0), (255, 0), (160, 128))
        write(tmp_path / name, "B", (0, 255))
        write(tmp_path / name, "J", (255, 0))
    for digit in strangers.LIKE_NO_LETTER:
        write(tmp_path / strangers.DIGITS, digit, (255, 0))
    return tmp_path


def test_mirrored_pictures_are_the_other_hand_and_doubt_is_not_accepted(data):
    source = strangers.one_source(Sided(), data / "dev_signify")
    assert source["pictures"] == 5
    assert source["letters_24"] == 1.0
    assert source["mirrored_24"] == 0.0
    assert source["farther_24"] == 1.0
    assert source["letters_26"] == source["accuracy"] == pytest.approx(4 / 5)
    assert source["accepted"] == pytest.approx(4 / 5)
    assert source["accepted_right"] == pytest.approx(3 / 4)


def test_farther_is_half_the_size_in_the_middle_of_grey():
    far = strangers.farther(np.ones((2, 8, 16, 3), np.float32))
    assert far.shape == (2, 8, 16, 3)
    assert (far[:, 2:6, 4:12] == 1).all()
    assert (far == 1).sum() == 2 * 4 * 8 * 3
    assert set(np.unique(far)) == {0.5, 1.0}


def test_the_page_says_what_was_missed_and_by_how_much(data):
    figures = {**strangers.measured(Sided(), data)}
    rows = strangers_page.aims(figures)[2:]
    assert rows[0].endswith("| ≥ 93.0 % | 100.0 % | met |")
    assert rows[1].endswith("| ≥ 90.0 % | 80.0 % | missed by 10.0 points |")
    assert rows[-1].endswith("| ≤ 3 points | 100.0 points | missed by 97.0 points |")
    assert 0 < figures["median_ms"] < 1000
    assert figures["outsiders"] == {"pictures": 4, "digits": ["3", "5", "7", "8"], "accepted": 1.0}


def test_looks_are_averaged_as_answers_and_not_as_votes(data):
    class Doubting(Sided):
        """Sure of A; of B, and so of the mirrored A, in doubt."""

        def probabilities(self, batch):
            sure = super().probabilities(batch)
            return np.where(sure[:, 1:2] > sure[:, :1], 0.4 * sure + 0.2, sure)

    source = strangers.one_source(Doubting(), data / "dev_signify")
    assert (source["letters_24"], source["mirrored_24"]) == (1.0, 0.0)
    assert source["both_hands_24"] == pytest.approx(3 / 4)
    assert source["both_distances_24"] == 1.0
