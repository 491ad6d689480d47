"""What a hash survives; near pairs among few and many hashes; films by names and hashes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fingerspell.images import decode, encode_jpeg
from fingerspell.prepare import near_duplicates
from fingerspell.prepare.groups import connect
from fingerspell.prepare.near_duplicates import (
    BITS,
    MOST_SIDE_PX,
    Pairs,
    Words,
    _is_near,
    _numbered,
    _unrelated,
    _usual,
    _video_frames,
    block_means,
    dhash,
    distance,
    every_pair,
    near_pairs,
    photo_of,
    tables,
    words,
)
from helpers.synthetic_folder import scene

NEAR_BITS = 18


def runs(count: int, frames: int, seed: int = 0) -> Words:
    """Hashes of videos whose bits drift, 3 of 128 from frame to frame, shuffled."""
    rng = np.random.default_rng(seed)
    bits = rng.random((count, 1, 128)) < 0.5
    flips = rng.random((count, frames, 128)) < 3 / 128
    drifted = (bits ^ np.bitwise_xor.accumulate(flips, axis=1)).reshape(-1, 128)
    return words_of(drifted[rng.permutation(count * frames)])


def words_of(bits: np.ndarray) -> Words:
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


def by_definition(hashes: Words, near_bits: int) -> set[tuple[int, int]]:
    near = _is_near(hashes[:, None], hashes[None], near_bits)
    return {(i, j) for i, j in np.argwhere(near).tolist() if i < j}


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    listed = [(i, j) for i, j in pairs.tolist()]
    assert len(set(listed)) == len(listed)
    return set(listed)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 64), st.floats(0.02, 0.6))
def test_every_pair_is_what_the_definition_says(seed: int, near_bits: int, dense: float) -> None:
    rng = np.random.default_rng(seed)
    base = rng.random((6, 128)) < dense
    bits = np.concatenate([base ^ (rng.random((6, 128)) < share) for share in (0, 0.03, 0.1)])
    hashes = words_of(bits)
    assert as_set(near_pairs(hashes, near_bits)) == by_definition(hashes, near_bits)
    assert as_set(tables(hashes, near_bits)) <= by_definition(hashes, near_bits)


def test_blocks_miss_nothing_at_their_edges_and_many_hashes_take_the_quick_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hashes = runs(6, 8)
    whole, sorted_once = every_pair(hashes, NEAR_BITS), tables(hashes, NEAR_BITS, count=1)
    for size in ("_CHUNK", "_SLICE"):
        monkeypatch.setattr(near_duplicates, size, 7)
    blocks = every_pair(hashes, NEAR_BITS)
    assert whole is not None and blocks is not None
    assert as_set(whole) == as_set(blocks) == by_definition(hashes, NEAR_BITS)
    assert np.array_equal(sorted_once, tables(hashes, NEAR_BITS, count=1))
    monkeypatch.setattr(near_duplicates, "_EXACT_UP_TO", 47)
    monkeypatch.setattr(near_duplicates, "every_pair", None)
    assert np.array_equal(near_pairs(hashes, NEAR_BITS), tables(hashes, NEAR_BITS))


def test_the_quick_search_finds_the_same_groups_as_comparing_all() -> None:
    hashes = runs(60, 40)
    truth, found = every_pair(hashes, NEAR_BITS), tables(hashes, NEAR_BITS)
    assert truth is not None
    assert as_set(found) <= as_set(truth)
    assert len(found) > 0.8 * len(truth)
    assert len(tables(hashes, NEAR_BITS, count=1)) < 0.5 * len(found)
    groups = connect(len(hashes), truth)
    assert len(np.unique(groups)) < 100
    assert np.array_equal(connect(len(hashes), found), groups)
    assert np.array_equal(found, tables(hashes, NEAR_BITS)), "the same pairs each time"
    assert found.tolist() == sorted(found.tolist())
    assert (found[:, 0] < found[:, 1]).all()


def test_a_handful_of_hashes_is_no_special_case() -> None:
    for count, expected in ((0, []), (1, []), (2, [[0, 1]])):
        hashes = np.full((count, 2), 7, np.uint64)
        assert near_pairs(hashes, NEAR_BITS).tolist() == expected
        assert tables(hashes, NEAR_BITS).tolist() == expected


def test_thousands_of_black_pictures_do_not_fill_the_memory() -> None:
    black = np.zeros((3000, 2), np.uint64)
    pairs = near_pairs(black, NEAR_BITS)
    assert len(pairs) == 2999
    assert set(connect(3000, pairs).tolist()) == {0}


def test_a_long_chain_in_any_order_is_one_group() -> None:
    order = np.random.default_rng(0).permutation(20_000)
    chain = np.stack([order[:-1], order[1:]], axis=1)
    assert not connect(20_000, chain).any()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30))
def test_groups_are_those_of_a_walk_along_the_links(links: list[tuple[int, int]]) -> None:
    reached = [{i} for i in range(20)]
    for _ in range(20):
        for one, other in links:
            both = reached[one] | reached[other]
            for item in both:
                reached[item] = reached[item] | both
    found = connect(20, np.array(links, np.int64).reshape(-1, 2))
    assert found.tolist() == [min(items) for items in reached]


def take(frames: int, pace: float, seed: int) -> np.ndarray:
    """A recording as bits (frames, 128): from each frame to the next some turn over."""
    rng = np.random.default_rng(seed)
    flips = rng.random((frames, 128)) < pace / 128
    return (rng.random(128) < 0.5) ^ np.bitwise_xor.accumulate(flips, axis=0)


def parts(bits: np.ndarray, stems: list[str] | None = None) -> list[int]:
    """The film that each frame belongs to, in the order of first frames."""
    stems = stems or [f"A{n}" for n in range(len(bits))]
    roots = connect(len(bits), _video_frames(words_of(bits), stems, NEAR_BITS).links)
    return np.unique(roots, return_inverse=True)[1].tolist()


@pytest.mark.parametrize(
    ("stems", "places"),
    [
        ("A1 A2 A3", [[(0,), (1,), (2,)]]),
        ("A3 A1 A2", [[(1,), (2,), (0,)]]),
        ("A5 A10 A15 A500 A505", [[(0,), (1,), (2,)], [(3,), (4,)]]),
        ("A1 B2", []),
        ("h1_a_seg_1_cut h1_a_seg_2_cut h2_a_seg_3_cut", [[(0,), (1,)]]),
        ("left right", []),
        ("v1_jpg.rf.0a1b2c3d4e v1_jpg.rf.ffffffffff v2_jpg.rf.1234567890", [[(0, 1), (2,)]]),
        ("", []),
    ],
)
def test_a_series_is_read_from_the_last_number(
    stems: str, places: list[list[tuple[int, ...]]]
) -> None:
    assert _numbered(stems.split()) == places


@pytest.mark.parametrize(
    "bits",
    [
        take(60, 14, 0),
        take(4, 20, 3),
        np.stack([take(40, 8, 0), take(40, 8, 1)], axis=1).reshape(-1, 128),
        np.concatenate([take(40, 4, 0)[:20], take(1, 0, 9), take(40, 4, 0)[21:]]),
    ],
    ids=["a moving camera", "a short film", "two cameras in turns", "a single spoilt frame"],
)
def test_frames_that_follow_one_another_are_one_film(bits: np.ndarray) -> None:
    assert set(parts(bits)) == {0}


@pytest.mark.parametrize(("turned_over", "least"), [(0.5, 200), (0.13, 191)])
def test_numbered_photographs_are_no_film_not_even_of_one_pose(
    turned_over: float, least: int
) -> None:
    # Of one pose all lie within 30 bits of one another, but neighbours no nearer than others.
    rng = np.random.default_rng(0)
    bits = (rng.random(128) < 0.5) ^ (rng.random((200, 128)) < turned_over)
    assert len(set(parts(bits))) >= least


@pytest.mark.parametrize(("first", "paces"), [(0, (3, 6, 9, 12)), (2, (28, 28))])
def test_a_film_ends_at_a_cut_though_the_numbers_run_on_however_fast_the_camera_moves(
    first: int, paces: tuple[int, ...]
) -> None:
    bits = np.concatenate([take(40, pace, seed) for seed, pace in enumerate(paces, start=first)])
    assert parts(bits) == [film for film in range(len(paces)) for _ in range(40)]


def test_a_film_ends_at_a_gap_in_the_numbers() -> None:
    bits = take(60, 3, 0)
    stems = [f"A{n if n < 30 else n + 500}" for n in range(60)]
    assert parts(bits, stems) == [0] * 30 + [1] * 30


def test_shuffled_frames_tell_nothing_but_by_their_numbers() -> None:
    bits = np.concatenate([take(24, 6, seed) for seed in range(8)])
    order = np.random.default_rng(0).permutation(len(bits))
    hashes = words_of(bits[order])
    assert not _video_frames(hashes, [f"A{n}" for n in range(192)], NEAR_BITS).is_frame.any()
    found = parts(bits[order], [f"A{n}" for n in order])
    assert len({(part, n // 24) for part, n in zip(found, order.tolist(), strict=True)}) == 8
    assert len(set(found)) == 8


def test_variants_of_a_frame_stand_in_one_place() -> None:
    bits = take(30, 8, 0)
    variants = np.stack([bits, ~bits, bits], axis=1).reshape(-1, 128)
    stems = [f"clip-{n}_jpg.rf.{v}aaaaaaaaaaaa" for n in range(30) for v in range(3)]
    found = _video_frames(words_of(variants), stems, NEAR_BITS)
    assert len(found.links) == 29
    assert _unrelated(words_of(variants), stems) < 60


def test_filmed_are_the_linked_frames() -> None:
    bits = np.concatenate([take(30, 4, 0), np.random.default_rng(5).random((40, 128)) < 0.5])
    stems = [f"A{n}" for n in range(30)] + [f"photo{n}" for n in range(40)]
    is_frame = _video_frames(words_of(bits), stems, NEAR_BITS).is_frame
    assert is_frame.tolist() == [True] * 30 + [False] * 40


def test_the_usual_step_is_a_median_of_those_around_without_a_seam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = np.array([9, 1, 2, 3, 4, 5, 100], np.float32)
    assert _usual(steps, 1).tolist() == [5, 2, 2, 3, 4, 5, 52.5]
    assert _usual(steps, 50).tolist() == [4] * 7
    assert _usual(steps[:0], 3).tolist() == []
    long = np.random.default_rng(0).random(300).astype(np.float32)
    whole = _usual(long, 6)
    assert np.array_equal(whole[6:-6], [np.median(long[i - 6 : i + 7]) for i in range(6, 294)])
    monkeypatch.setattr(near_duplicates, "_WINDOWS", 17)
    assert np.array_equal(_usual(long, 6), whole)


def test_a_variants_mark_is_not_part_of_a_photographs_name() -> None:
    assert photo_of("A0_jpg.rf.a79ace20ea42b8f94360cef8aaec4030") == "A0_jpg"
    for name in ("A0_jpg.rf.", "perf.rf.12"):
        assert photo_of(name) == name


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


def test_on_a_flat_background_few_differing_bits_are_many_but_a_speck_is_none() -> None:
    one, other = words(["ff" + "00" * 15, "00ff" + "00" * 14])
    assert np.bitwise_count(one ^ other).sum() <= NEAR_BITS
    assert not _is_near(one, other, NEAR_BITS)
    blank, speck = words(["0" * 32, "1" + "0" * 31])
    assert _is_near(blank, speck, NEAR_BITS)
    assert distance(blank, speck) == np.float32(76 / 20)


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(0, 128))
def test_the_distance_is_where_two_hashes_become_near(data: bytes, near_bits: int) -> None:
    one, other = words([data[:16].hex(), data[16:].hex()])
    assert _is_near(one, other, near_bits) == (distance(one, other) <= near_bits + 1e-4)


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
