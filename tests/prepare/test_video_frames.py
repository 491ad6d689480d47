"""Films are found by names and hashes together: cuts, gaps, turns, variants, single photos."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell.prepare.groups import connect
from fingerspell.prepare.near_duplicates import (
    Words,
    _numbered,
    _unrelated,
    _usual,
    _video_frames,
    photo_of,
)

NEAR_BITS = 18


def take(frames: int, pace: float, seed: int) -> np.ndarray:
    """A recording as bits (frames, 128): from each frame to the next some turn over."""
    rng = np.random.default_rng(seed)
    flips = rng.random((frames, 128)) < pace / 128
    return (rng.random(128) < 0.5) ^ np.bitwise_xor.accumulate(flips, axis=0)


def words_of(bits: np.ndarray) -> Words:
    return np.packbits(bits, axis=1).view(">u8").astype(np.uint64)


def parts(
    bits: np.ndarray, stems: list[str] | None = None, near_bits: int = NEAR_BITS
) -> list[int]:
    """The film that each frame belongs to, in the order of first frames."""
    stems = stems or [f"A{n}" for n in range(len(bits))]
    roots = connect(len(bits), _video_frames(words_of(bits), stems, near_bits).links)
    return np.unique(roots, return_inverse=True)[1].tolist()


@pytest.mark.parametrize(
    ("stems", "places"),
    [
        (["A1", "A2", "A3"], [[(0,), (1,), (2,)]]),
        (["A3", "A1", "A2"], [[(1,), (2,), (0,)]]),
        (["A5", "A10", "A15", "A500", "A505"], [[(0,), (1,), (2,)], [(3,), (4,)]]),
        (["A1", "B2"], []),
        (["h1_a_seg_1_cut", "h1_a_seg_2_cut", "h2_a_seg_3_cut"], [[(0,), (1,)]]),
        (["left", "right"], []),
        (
            ["v1_jpg.rf.0a1b2c3d4e", "v1_jpg.rf.ffffffffff", "v2_jpg.rf.1234567890"],
            [[(0, 1), (2,)]],
        ),
        ([], []),
    ],
)
def test_a_series_is_read_from_the_last_number(
    stems: list[str], places: list[list[tuple[int, ...]]]
) -> None:
    assert _numbered(stems) == places


def test_a_moving_camera_is_one_film() -> None:
    assert set(parts(np.concatenate([take(60, 14, 0), take(60, 14, 1)])[:60])) == {0}


def test_a_film_ends_at_a_cut_though_the_numbers_run_on() -> None:
    bits = np.concatenate([take(40, pace, seed) for seed, pace in enumerate((3, 6, 9, 12))])
    assert parts(bits) == [0] * 40 + [1] * 40 + [2] * 40 + [3] * 40


def test_a_film_ends_at_a_cut_however_fast_the_camera_moves() -> None:
    bits = np.concatenate([take(40, 28, 2), take(40, 28, 3)])
    assert parts(bits) == [0] * 40 + [1] * 40


def test_a_film_ends_at_a_gap_in_the_numbers() -> None:
    bits = take(60, 3, 0)
    stems = [f"A{n if n < 30 else n + 500}" for n in range(60)]
    assert parts(bits, stems) == [0] * 30 + [1] * 30


def test_two_cameras_in_turns_are_one_film() -> None:
    bits = np.stack([take(40, 8, 0), take(40, 8, 1)], axis=1).reshape(-1, 128)
    assert set(parts(bits)) == {0}


def test_a_single_spoilt_frame_does_not_cut_a_film() -> None:
    bits = take(40, 4, 0)
    bits[20] = take(1, 0, 9)[0]
    assert set(parts(bits)) == {0}


def test_numbered_photographs_are_no_film() -> None:
    rng = np.random.default_rng(0)
    bits = rng.random((200, 128)) < 0.5
    assert len(set(parts(bits))) == 200


def test_numbered_photographs_of_one_pose_are_no_film() -> None:
    # All within 30 bits of one another, but neighbours no nearer than others.
    rng = np.random.default_rng(0)
    bits = (rng.random(128) < 0.5) ^ (rng.random((200, 128)) < 0.13)
    assert len(set(parts(bits))) > 190


def test_a_short_film_needs_no_other_pictures_to_be_seen() -> None:
    assert set(parts(take(4, 20, 3))) == {0}


def test_shuffled_frames_tell_nothing() -> None:
    bits = np.concatenate([take(24, 6, seed) for seed in range(8)])
    shuffled = bits[np.random.default_rng(0).permutation(len(bits))]
    assert not _video_frames(
        words_of(shuffled), [f"A{n}" for n in range(192)], NEAR_BITS
    ).is_frame.any()


def test_files_keep_their_order_only_by_number() -> None:
    bits = np.concatenate([take(30, 8, 0), take(30, 8, 1)])
    order = np.random.default_rng(1).permutation(60)
    found = parts(bits[order], [f"A{n}" for n in order])
    assert len(set(found)) == 2
    assert len({(part, n < 30) for part, n in zip(found, order.tolist(), strict=True)}) == 2


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
    assert (
        _video_frames(words_of(bits), stems, NEAR_BITS).is_frame.tolist()
        == [True] * 30 + [False] * 40
    )


def test_the_usual_step_is_a_median_of_those_around() -> None:
    steps = np.array([9, 1, 2, 3, 4, 5, 100], np.float32)
    assert _usual(steps, 1).tolist() == [5, 2, 2, 3, 4, 5, 52.5]
    assert _usual(steps, 50).tolist() == [4] * 7
    assert _usual(steps[:0], 3).tolist() == []


def test_long_series_are_cut_in_slices_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    from fingerspell.prepare import near_duplicates

    steps = np.random.default_rng(0).random(300).astype(np.float32)
    whole = _usual(steps, 6)
    monkeypatch.setattr(near_duplicates, "_WINDOWS", 17)
    assert np.array_equal(_usual(steps, 6), whole)
    assert np.array_equal(whole[6:-6], [np.median(steps[i - 6 : i + 7]) for i in range(6, 294)])


def test_a_variants_mark_is_not_part_of_a_photographs_name() -> None:
    assert photo_of("A0_jpg.rf.a79ace20ea42b8f94360cef8aaec4030") == "A0_jpg"
    assert photo_of("A0_jpg.rf.") == "A0_jpg.rf."
    assert photo_of("perf.rf.12") == "perf.rf.12"
