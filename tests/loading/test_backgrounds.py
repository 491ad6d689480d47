"""Hands that were cut out on black get another background; photographs keep theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fingerspell.dataset.manifest import Manifest, Sample
from fingerspell.images import Pixels, decode, encode_jpeg
from fingerspell.loading.augment import augment
from fingerspell.loading.backgrounds import Backgrounds, backgrounds_of, cut_out, lay_over
from helpers.small_run import STILL as OFF
from helpers.synthetic_folder import scene

rng = np.random.default_rng
SIDE = 120
WHOLE_PX = (200, 220)
SKIN = (200, 150, 120)
REPLACED = replace(OFF, background_share=1.0)


def ring(*, hole: int = 18) -> Pixels:
    """A ring of fingers on black, as a JPEG leaves it, on a wrist that leaves the picture."""
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    cv2.circle(rgb, (60, 55), 38, SKIN, -1)
    cv2.rectangle(rgb, (55, 80), (65, SIDE), SKIN, -1)
    cv2.circle(rgb, (60, 55), hole, (0, 0, 0), -1)
    return decode(encode_jpeg(rgb, 92))


def test_a_hand_on_black_is_told_from_what_is_behind_it_and_no_black_rim_is_left() -> None:
    cover = cut_out(ring())
    assert cover is not None
    assert cover[55, 60] == cover[2, 2] == cover[10, 110] == 0
    assert cover[55, 90] == cover[110, 60] == 255
    assert cover[55, 20:30].min() < 128 < cover[55, 20:30].max()
    assert 0 < np.count_nonzero((cover > 0) & (cover < 255)) < 0.15 * cover.size
    assert lay_over(ring(), cover, np.full_like(ring(), 255)).min() >= min(SKIN) - 25


def test_a_dark_fold_inside_the_hand_is_no_hole() -> None:
    folded = ring(hole=0)
    cv2.line(folded, (40, 60), (80, 60), (0, 0, 0), 2)
    cover = cut_out(folded)
    assert cover is not None
    assert cover[60, 45:75].min() == 255


NOTHING = np.zeros((SIDE, SIDE, 3), np.uint8)
BESIDE = np.arange(SIDE)[:, None] < SIDE - 2
SPECK = (abs(np.indices((SIDE, SIDE)) - 62) < 2).all(axis=0)[..., None]


@pytest.mark.parametrize(
    "rgb",
    [
        *(np.maximum(ring(), np.uint8(level)) for level in (3, 30, 120)),
        scene(3, SIDE),
        np.where(BESIDE, ring(), np.uint8(90)),
        np.where(SPECK, np.uint8(200), NOTHING),
        NOTHING,
    ],
    ids=["night", "dark", "dim", "a scene", "three dark sides", "a speck", "black"],
)
def test_a_dark_photograph_is_not_cut_and_neither_is_nothing(rgb: Pixels) -> None:
    assert cut_out(rgb) is None


def test_only_cut_outs_get_another_background_and_only_as_often_as_asked() -> None:
    size = (SIDE, SIDE)
    photograph = scene(3, SIDE)
    np.testing.assert_array_equal(augment(photograph, size, REPLACED, rng(0)), photograph)
    half = replace(OFF, background_share=0.5)
    hand = ring()
    kept = sum((augment(hand, size, half, rng(s)) == hand).all() for s in range(60))
    assert 15 < kept < 45


def test_the_hand_stays_and_what_is_behind_it_changes() -> None:
    hand, behind = ring(), Backgrounds()
    outs = [augment(hand, (SIDE, SIDE), REPLACED, rng(s), behind) for s in range(40)]
    inside, outside = (slice(50, 60), slice(84, 94)), (slice(2, 12), slice(100, 118))
    for out in outs:
        assert out.dtype == np.uint8
        assert np.abs(out[inside].astype(int) - hand[inside]).max() <= 1
    corners = np.array([out[outside].mean() for out in outs])
    holes = np.array([out[50:60, 55:65].mean() for out in outs])
    assert corners.std() > 30
    assert (holes > 20).sum() > 25


def test_hand_and_background_are_moved_apart() -> None:
    """A mirrored hand stands before the same background as an unmirrored one."""
    both = [
        augment(ring(), (SIDE, SIDE), replace(REPLACED, mirror_share=share), rng(4))
        for share in (0.0, 1.0)
    ]
    np.testing.assert_array_equal(both[0][:8], both[1][:8])


def drawn_from(behind: Backgrounds, seeds: int = 80) -> list[Pixels]:
    """The backgrounds for which a picture was taken, each drawn twice to the same effect."""
    taken = []
    for seed in range(seeds):
        one, again, painted = (b.draw(WHOLE_PX, rng(seed)) for b in (behind, behind, Backgrounds()))
        assert one.dtype == np.uint8 and one.shape == (*WHOLE_PX, 3)
        np.testing.assert_array_equal(one, again)
        if (one != painted).any():
            taken.append(one)
    return taken


def sharpness(rgb: Pixels) -> float:
    """The steepest step from a pixel to the next, in grey levels."""
    return float(np.abs(np.diff(rgb[..., 1].astype(float), axis=1)).max())


def test_another_letters_picture_is_only_seen_as_blurred_colours(tmp_path: Path) -> None:
    """Fingers, 20 pixels wide, must not be told apart in any background."""
    rgb = np.zeros((200, 200, 3), np.uint8)
    rgb[:, np.arange(200) % 20 < 10] = 255
    (tmp_path / "fingers.jpg").write_bytes(encode_jpeg(rgb, 95))
    pieces = drawn_from(Backgrounds(others=(tmp_path / "fingers.jpg",)))
    assert 20 < len(pieces) < 60
    assert max(map(sharpness, pieces)) < 20


def test_a_picture_without_a_letter_is_recognised_behind_the_hand_but_never_whole(
    tmp_path: Path,
) -> None:
    coloured = np.zeros((200, 200, 3), np.uint8)
    coloured[:100, :100, 0] = coloured[100:, :100, 1] = coloured[:, 100:, 2] = 250
    (tmp_path / "nothing.jpg").write_bytes(encode_jpeg(coloured, 95))
    pieces = drawn_from(Backgrounds(empty=(tmp_path / "nothing.jpg",)))
    assert 20 < len(pieces) < 50
    assert max(map(sharpness, pieces)) > 30
    three = [all((p[..., c] > 200).mean() > 0.2 for c in range(3)) for p in pieces]
    assert sum(three) < len(pieces) / 2


def test_only_the_class_without_letters_may_be_recognised(tmp_path: Path) -> None:
    samples = [Sample(f"{x}.jpg", x, "train", x, "s", "", "", 0, 0) for x in ("A", "nothing", "Z")]
    found = backgrounds_of(Manifest(tmp_path, tuple(samples), ("A", "Z", "nothing"), ""), samples)
    assert found.empty == (tmp_path / "nothing.jpg",)
    assert found.others == (tmp_path / "A.jpg", tmp_path / "Z.jpg")
