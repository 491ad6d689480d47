"""Augmented pictures stay pictures: right size and range, only as different as asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fingerspell.config import AugmentConfig
from fingerspell.images import Pixels, fit
from fingerspell.loading import photometric
from fingerspell.loading.augment import _affine, _bent, augment, warp
from fingerspell.loading.photometric import _colour_matrix, _tone_table, recolour
from helpers.small_run import STILL as OFF
from helpers.synthetic_folder import scene

PICTURE = scene(3, 64)
SIZE = (64, 64)
rng = np.random.default_rng


def many(config: AugmentConfig, rgb: Pixels = PICTURE, count: int = 200) -> list[Pixels]:
    return [augment(rgb, SIZE, config, rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("size", [(32, 32), (96, 96), (40, 80)])
def test_switched_off_it_only_fits_as_the_network_is_fed_later(size: tuple[int, int]) -> None:
    for share in (0.0, 1.0):  # A picture that fills its frame gets no background.
        still = replace(OFF, background_share=share)
        np.testing.assert_array_equal(augment(PICTURE, SIZE, still, rng(0)), PICTURE)
    wide = scene(4, 64)[:40]
    ours = augment(wide, size, OFF, rng(6)).astype(np.float32) / 255
    theirs = fit(wide, size)
    assert ours.shape == theirs.shape
    inner = theirs.sum(axis=2) > 0.2
    assert np.abs(ours - theirs)[inner].mean() < 0.03


def test_the_generator_decides_everything_and_the_input_is_not_written_to() -> None:
    config, rgb = AugmentConfig(occlude_share=0.5, noise_share=0.5), PICTURE.copy()
    first = many(config, rgb)
    assert [out.tobytes() for out in many(config, rgb)] == [out.tobytes() for out in first]
    assert len({out.tobytes() for out in first}) > 190
    np.testing.assert_array_equal(rgb, PICTURE)


def test_pictures_keep_type_size_and_their_brightness() -> None:
    """The trap: a brightness meant for 0-255 on [0, 1] pictures leaves black or white boards."""
    outs = many(AugmentConfig())
    assert all(out.dtype == np.uint8 and out.shape == (64, 64, 3) for out in outs)
    means = np.array([out.mean() for out in outs])
    assert abs(means.mean() - PICTURE.mean()) < 25
    assert min(out.std() for out in outs) > 12
    assert means.min() > 25
    assert means.max() < 230


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3), (500, 700)])
def test_any_shape_goes_in(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 128, np.uint8)
    for seed in range(5):
        assert augment(rgb, (48, 32), AugmentConfig(), rng(seed)).shape == (48, 32, 3)


def test_a_large_picture_is_averaged_and_not_sampled() -> None:
    board = np.zeros((512, 512, 3), np.uint8)
    board[::2, ::2] = 252
    out = augment(board, SIZE, replace(OFF, zoom=0.05), rng(2))
    assert np.abs(out[8:-8, 8:-8].astype(int) - 63).max() <= 3


def test_mirroring_follows_its_share() -> None:
    assert all((o == PICTURE[:, ::-1]).all() for o in many(replace(OFF, mirror_share=1.0)))
    half = sum((o != PICTURE).any() for o in many(replace(OFF, mirror_share=0.5)))
    assert 70 < half < 130


def test_rotation_shift_zoom_and_distance_stay_within_their_limits() -> None:
    def drawn(**change: float) -> np.ndarray:
        return np.array(
            [_affine((64, 64), SIZE, replace(OFF, **change), rng(s)) for s in range(300)]
        )

    turned = drawn(rotate_deg=15.0)
    angles = np.degrees(np.arctan2(turned[:, 1, 0], turned[:, 0, 0]))
    assert 13 < np.abs(angles).max() <= 15
    assert 5.5 < np.abs(drawn(shift=0.1)[:, :, 2]).max() <= 6.4
    zoomed = drawn(zoom=0.2)[:, 0, 0]
    assert 1 / 1.2 <= zoomed.min() < 0.86
    assert 1.17 < zoomed.max() <= 1.2
    farther = drawn(farther=1.0)[:, 0, 0]
    assert 0.5 <= farther.min() < 0.52
    assert 0.98 < farther.max() <= 1.0
    # As many halve a half of the distance as the other: even in the logarithm.
    assert np.median(farther) == pytest.approx(0.5**0.5, abs=0.03)


def test_what_lies_beyond_the_picture_is_what_opencv_would_put_there() -> None:
    """One of three ways, or a colour; but for the rounding of the interpolation."""
    config = replace(OFF, zoom=0.8, rotate_deg=40.0, shift=0.3)
    rgb = np.ascontiguousarray(PICTURE[:50])
    seen: Counter[int | str] = Counter()
    for seed in range(60):
        out = warp(rgb, SIZE, config, rng(seed)).astype(int)
        matrix = _affine(rgb.shape, SIZE, config, rng(seed))
        like = [
            border
            for border in (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)
            if np.abs(out - cv2.warpAffine(rgb, matrix, SIZE, borderMode=border)).mean() < 0.1
        ]
        seen.update(like or ["a colour"])
    assert len(seen) == 4 and all(6 <= times <= 26 for times in seen.values())


def test_the_matrix_is_the_product_of_its_steps_around_the_middle() -> None:
    config = replace(OFF, rotate_deg=30.0, shear=0.3, squeeze=0.4, zoom=0.5, mirror_share=0.5)
    for seed in range(10):
        matrix = _affine((50, 80), (64, 64), config, rng(seed))
        np.testing.assert_allclose(matrix @ [39.5, 24.5, 1], [31.5, 31.5], atol=1e-9)
        draws = rng(seed).random(7)
        zoom, squeeze = 0.8 * 1.5 ** (2 * draws[0] - 1), np.sqrt(1.4 ** (2 * draws[1] - 1))
        turn, lean = np.radians(30 * (2 * draws[2] - 1)), 0.3 * (2 * draws[3] - 1)
        mirror = -1 if draws[6] < 0.5 else 1
        cos, sin = np.cos(turn), np.sin(turn)
        expected = (
            np.array([[cos, -sin], [sin, cos]])
            @ np.array([[1, lean], [0, 1]])
            @ np.diag([zoom * squeeze * mirror, zoom / squeeze])
        )
        np.testing.assert_allclose(matrix[:, :2], expected, atol=1e-12)


def test_colour_changes_keep_grey_grey_and_a_third_of_a_turn_moves_red_to_green() -> None:
    luma = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    for saturation, turn, before, after in (
        (1.4, 0.3, [90, 90, 90], [90, 90, 90]),
        (1.0, 0.0, [200, 100, 50], [200, 100, 50]),
        (0.0, 0.0, [200, 100, 50], [luma] * 3),
        (1.0, 2 * np.pi / 3, [255, 0, 0], [0, 255, 0]),
    ):
        np.testing.assert_allclose(_colour_matrix(saturation, turn) @ before, after, atol=1e-3)
    grey = augment(PICTURE, SIZE, replace(OFF, grey_share=1.0), rng(0))
    assert (grey == grey[..., :1]).all()


def test_tones_rise_from_black_to_their_ends_and_stay_within_a_byte() -> None:
    assert _tone_table(1.0, 1.0, 1.0).tolist() == list(range(256))
    brighter = _tone_table(1.3, 0.8, 1.0).astype(int)
    assert brighter[0] == 0
    assert (np.diff(brighter) >= 0).all()
    assert brighter[128] > 128
    config = replace(OFF, brightness=1.0, contrast=1.0, saturation=1.0, hue_deg=90.0)
    bright = np.full((8, 8, 3), 250, np.uint8)
    for seed in range(50):
        out = recolour(bright, config, rng(seed))
        assert out.std() < 1
        assert out.min() > 100


def test_strong_settings_go_beyond_the_usual_ones() -> None:
    usual, strong = AugmentConfig(), AugmentConfig.strong()
    assert all(getattr(strong, name) >= getattr(usual, name) for name in AugmentConfig.__slots__)
    skin = np.full((8, 8, 3), (224, 172, 140), np.uint8)
    outs = [augment(skin, (8, 8), replace(strong, occlude_share=0), rng(s)) for s in range(80)]
    colours = np.array([out.mean(axis=(0, 1)) for out in outs])
    assert (colours.argmax(axis=1) != 0).sum() > 10


@pytest.mark.parametrize("name", ["blur", "noise", "low_resolution", "occlude"])
def test_damage_is_visible_and_leaves_the_picture_recognisable(name: str) -> None:
    for seed in range(25):
        out = getattr(photometric, name)(PICTURE, rng(seed))
        assert out.dtype == np.uint8
        assert out.shape == PICTURE.shape
        assert (out != PICTURE).any()
        assert np.corrcoef(out.ravel(), PICTURE.ravel())[0, 1] > 0.7


def test_noise_has_no_colour_of_its_own_and_does_not_wrap_round() -> None:
    for level in (0, 128, 255):
        out = photometric.noise(np.full((64, 64, 3), level, np.uint8), rng(1))
        assert abs(out.mean() - level) < 8
        assert out.std() < 20


def test_a_motion_kernel_keeps_the_brightness_and_is_no_larger_than_its_line() -> None:
    """From 13×13 on OpenCV takes ten times as long."""
    for length in range(3, 14):
        for angle in np.linspace(0, np.pi, 25):
            kernel = photometric._motion_kernel(length, float(angle))
            assert kernel.sum() == pytest.approx(1)
            assert kernel.size < 130
            assert kernel[[0, -1]].any()
            assert kernel[:, [0, -1]].any()
            assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1


def test_blur_is_a_bell_that_keeps_the_brightness() -> None:
    point = np.zeros((65, 65, 3), np.uint8)
    point[32, 32] = 255
    spread = [photometric.blur(point, rng(seed)) for seed in range(30)]
    assert all(190 < out[..., 0].sum() < 330 for out in spread if out.max() > 8)
    turned = [np.rot90(out) for out in spread]
    bells = [o for o, t in zip(spread, turned, strict=True) if o.max() < 255 and (o == t).all()]
    assert len(bells) > 5


def test_things_in_the_way_have_several_shapes_and_textures_and_cover_a_sixth_at_most() -> None:
    """Boxes and ovals, of one colour or of a piece of the picture."""
    colours, filled = [], []
    for seed in range(60):
        out = photometric.occlude(PICTURE, rng(seed))
        hidden = (out != PICTURE).any(axis=2)
        assert 0 < hidden.mean() < 1 / 6
        ys, xs = np.nonzero(hidden)
        colours.append(len(np.unique(out[hidden], axis=0)))
        filled.append(hidden.sum() / (np.ptp(ys) + 1) / (np.ptp(xs) + 1))
    assert sum(n <= 2 for n in colours) > 10
    assert sum(n > 10 for n in colours) > 10
    assert sum(share > 0.97 for share in filled) > 5
    assert sum(0.7 < share < 0.85 for share in filled) > 5


def test_a_picture_that_moved_away_stands_before_another_background() -> None:
    config = replace(OFF, farther=1.0, background_share=1.0)
    white = np.full((64, 64, 3), 255, np.uint8)
    surroundings = set()
    for seed in range(40):
        out = augment(white, SIZE, config, rng(seed))
        assert (out[31:33, 31:33] == 255).all()
        surroundings.add(out[0].tobytes())
    assert len(surroundings) > 30


def test_bending_moves_points_by_no_more_than_its_share_and_not_all_alike() -> None:
    assert AugmentConfig().bend == AugmentConfig.strong().bend == 0.0
    across = np.tile(np.linspace(0, 252, 64, dtype=np.uint8)[:, None], (1, 64))
    ramp = np.dstack([across.T, across, across])
    outs = np.array([_bent(ramp, 0.1, rng(seed)) for seed in range(40)]).astype(int)
    pixels = np.abs(outs - ramp)[:, 8:-8, 8:-8] / 4
    # Between the points the surface may swing a little wider than they do.
    assert 3.0 < pixels.max() <= 6.4 * 1.25
    assert np.median([one.max() - one.min() for one in pixels]) > 2
    assert min(one.max() for one in pixels) < 1.5
    assert (augment(PICTURE, SIZE, replace(OFF, bend=0.1), rng(3)) != PICTURE).any()
