"""Neighbouring frames become one group; different scenes, classes and sources do not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerspell.data.examine import Picture
from fingerspell.data.found import Found
from fingerspell.data.groups import conflicts, connect, find_groups
from fingerspell.data.hashing import BITS, dhash, is_near, near_pairs, words
from fingerspell.data.series import neighbours
from fingerspell.images import Pixels, decode, encode_jpeg
from helpers.drawn_folder import frame, scene

NEAR_BITS = 18


def picture(
    rgb: Pixels, name: str = "x", label: str = "A", source: str = "s", sha256: str | None = None
) -> Picture:
    digest = sha256 or str(hash(rgb.tobytes()))
    return Picture(Found(Path(name), label, source, 1, 1), digest, dhash(rgb), 48, 48)


def count(pictures: list[Picture], near_bits: int = NEAR_BITS) -> int:
    return len(set(find_groups(pictures, near_bits).groups))


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


def test_near_pairs_are_the_same_whatever_the_block_size() -> None:
    rng = np.random.default_rng(0)
    base = rng.integers(0, 2**63, (40, 2), dtype=np.uint64)
    hashes = np.concatenate([base, base ^ np.uint64(5), base ^ np.uint64(2**40)])
    whole = near_pairs(hashes, 10)
    blocks = near_pairs(hashes, 10, chunk=7)
    assert len(whole) == 40 * 3
    assert sorted(map(tuple, whole.tolist())) == sorted(map(tuple, blocks.tolist()))
    assert (whole[:, 0] < whole[:, 1]).all()


def test_frames_of_a_scene_share_a_group_and_scenes_do_not() -> None:
    assert count([picture(frame(s, n)) for s in range(5) for n in range(4)]) == 5


def test_joining_is_transitive() -> None:
    assert connect(5, np.array([[3, 4], [0, 3]])).tolist() == [0, 1, 2, 0, 0]


def test_frames_alike_in_two_sources_stay_apart_but_equal_files_do_not() -> None:
    one, other = frame(1, 0), frame(1, 1)
    assert count([picture(one, source="a"), picture(other, source="b")]) == 2
    assert count([picture(one, source="a"), picture(one, source="b")]) == 1


def test_classes_never_share_a_group() -> None:
    assert count([picture(scene(1), label="A"), picture(scene(1), label="B")]) == 2


def test_equal_files_under_two_classes_are_a_conflict() -> None:
    same = [picture(scene(1), label=label) for label in "AB"]
    assert conflicts([*same, picture(scene(2)), picture(scene(2))]) == [same]


def test_zero_bits_join_equal_hashes_only() -> None:
    shaken = scene(1).copy()
    shaken[:24] = 255 - shaken[:24]
    assert count([picture(scene(1)), picture(scene(1), sha256="other"), picture(shaken)], 0) == 2


def moved(pixels: int) -> Pixels:
    """A camera that sweeps over a large scene."""
    cells = np.random.default_rng(5).integers(0, 256, (7, 28, 3), dtype=np.uint8)
    wide = np.asarray(cv2.resize(cells, (192, 48), interpolation=cv2.INTER_CUBIC))
    return np.ascontiguousarray(wide[:, pixels : pixels + 48])


def test_names_in_a_row_join_frames_that_the_hash_alone_would_part() -> None:
    sweep = [moved(3 * n) for n in range(12)]
    numbered = [picture(rgb, f"A{n}.jpg") for n, rgb in enumerate(sweep)]
    unnamed = [picture(rgb, "abc"[n % 3] * (n + 1) + ".jpg") for n, rgb in enumerate(sweep)]
    assert count(numbered) == 1
    assert count(unnamed) > 1


def test_names_in_a_row_join_few_scenes_by_chance() -> None:
    assert count([picture(scene(n), f"A{n}.jpg") for n in range(100)]) > 80
    assert count([picture(scene(n)) for n in range(100)]) == 100


@pytest.mark.parametrize(
    ("stems", "pairs"),
    [
        (["A1", "A2", "A3"], {(0, 1), (0, 2), (1, 2)}),
        (["A5", "A10", "A15", "A500", "A505"], {(0, 1), (0, 2), (1, 2), (3, 4)}),
        (["A1", "B2"], set()),
        (["h1_a_seg_1_cut", "h1_a_seg_2_cut", "h2_a_seg_3_cut"], {(0, 1)}),
        (["left", "right"], set()),
        ([], set()),
    ],
)
def test_a_series_is_read_from_the_last_number(
    stems: list[str], pairs: set[tuple[int, int]]
) -> None:
    assert set(neighbours(stems)) == pairs
