"""The hash survives what leaves a picture the same; its grids are those of an area resize."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.images import decode, encode_jpeg
from fingerspell.prepare.dhash import BITS, MOST_SIDE_PX, block_means, dhash
from fingerspell.prepare.near_duplicates import distance, is_near, words
from helpers.synthetic_folder import scene

NEAR_BITS = 18


def differ(one: str, other: str) -> int:
    return int(np.bitwise_count(words([one]) ^ words([other])).sum())


def test_the_hash_has_its_bits_and_survives_brightness_size_and_jpeg() -> None:
    rgb = scene(1, 200)
    original = dhash(rgb)
    assert len(original) == BITS // 4
    assert differ(original, dhash(cv2.resize(rgb, (96, 96), interpolation=cv2.INTER_AREA))) <= 4
    assert differ(original, dhash(decode(encode_jpeg(rgb, 40)))) <= 4
    assert differ(original, dhash((rgb * 0.6).astype(np.uint8))) <= 4
    assert differ(original, dhash(scene(2, 200))) > 40


def test_a_gradient_to_the_right_sets_the_first_half_of_the_bits() -> None:
    ramp = np.repeat(np.tile(np.arange(90, dtype=np.uint8), (90, 1))[:, :, None], 3, axis=2)
    assert dhash(ramp) == "f" * 16 + "0" * 16


def test_on_a_flat_background_few_differing_bits_are_many() -> None:
    hashes = words(["ff" + "00" * 15, "00ff" + "00" * 14])
    assert differ("ff" + "00" * 15, "00ff" + "00" * 14) <= NEAR_BITS
    assert not is_near(hashes[0], hashes[1], NEAR_BITS)


def test_a_speck_does_not_part_two_blank_pictures() -> None:
    blank, speck = words(["0" * 32, "1" + "0" * 31])
    assert is_near(blank, speck, NEAR_BITS)
    assert distance(blank, speck) == np.float32(76 / 20)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 128))
def test_the_distance_is_where_two_hashes_become_near(data: bytes, near_bits: int) -> None:
    one, other = words([data[:16].hex(), data[16:].hex()])
    assert is_near(one, other, near_bits) == (distance(one, other) <= near_bits + 1e-4)


@pytest.mark.parametrize("size", [(200, 200), (167, 166), (9, 8), (64, 301), (480, 640), (8, 9)])
def test_both_grids_are_those_of_an_area_resize(size: tuple[int, int]) -> None:
    coarse = np.random.default_rng(sum(size)).integers(0, 256, (6, 7), dtype=np.uint8)
    grey = cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    wide, tall = block_means(grey, 8)
    for ours, shape in ((wide, (9, 8)), (tall, (8, 9))):
        theirs = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1
        assert (ours != theirs).mean() < 0.15  # halves may be rounded either way


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40_000), (40_000, 1), (3, 5), (123, 77), (2 * MOST_SIDE_PX,) * 2]
)
def test_a_white_picture_of_any_shape_stays_white_without_overflow(size: tuple[int, int]) -> None:
    for grid in block_means(np.full(size, 255, np.uint8), 8):
        assert (grid == 255).all()
