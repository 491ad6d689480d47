"""The hash survives what leaves a picture the same, and distances weigh what is set."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.images import decode, encode_jpeg
from fingerspell.prepare.near_duplicates import BITS, _is_near, dhash, distance, words
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
    assert not _is_near(hashes[0], hashes[1], NEAR_BITS)


def test_a_speck_does_not_part_two_blank_pictures() -> None:
    blank, speck = words(["0" * 32, "1" + "0" * 31])
    assert _is_near(blank, speck, NEAR_BITS)
    assert distance(blank, speck) == np.float32(76 / 20)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 128))
def test_the_distance_is_where_two_hashes_become_near(data: bytes, near_bits: int) -> None:
    one, other = words([data[:16].hex(), data[16:].hex()])
    assert _is_near(one, other, near_bits) == (distance(one, other) <= near_bits + 1e-4)
