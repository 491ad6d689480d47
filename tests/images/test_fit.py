"""Every shape becomes the network's size: padded, averaged, in float; a glance is reduced."""

import sys
import tracemalloc

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import Pixels, decode, encode_jpeg, fit, glance, load
from helpers.picture_files import saved

WHITE = np.full((10, 20, 3), 255, np.uint8)


def test_the_right_size_is_only_divided_by_255() -> None:
    rgb = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(fit(rgb, (4, 4)), rgb.astype(np.float32) / np.float32(255))


def test_a_picture_is_padded_to_the_targets_aspect_and_never_squeezed() -> None:
    planes = fit(WHITE, (20, 20))
    assert planes.shape == (20, 20, 3)
    assert planes.dtype == np.float32
    assert (planes[5:15] == 1).all()
    assert (planes[:5] == 0).all() and (planes[15:] == 0).all()
    wide = fit(WHITE, (10, 40))
    assert (wide[:, 10:30] == 1).all()
    assert (wide[:, :10] == 0).all() and (wide[:, 30:] == 0).all()
    odd = fit(np.full((3, 4, 3), 255, np.uint8), (4, 4))
    assert odd[:, 0, 0].tolist() == [1, 1, 1, 0], "an odd pixel of padding goes below"


def test_shrinking_averages_areas_without_rounding_and_enlarging_is_bilinear() -> None:
    board = np.zeros((8, 8, 3), np.uint8)
    board[::4, ::4] = 255
    np.testing.assert_allclose(fit(board, (2, 2)), 1 / 16, atol=1e-6)
    edge = np.zeros((2, 2, 3), np.uint8)
    edge[:, 1] = 200
    row = fit(edge, (4, 4))[0, :, 0] * 255
    np.testing.assert_allclose(row, [0, 50, 150, 200], atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (999, 2), (37, 53)])
def test_any_shape_stays_within_zero_and_one(shape: tuple[int, int]) -> None:
    planes = fit(np.full((*shape, 3), 255, np.uint8), (32, 48))
    assert planes.shape == (32, 48, 3)
    assert planes.min() >= 0
    assert planes.max() <= 1


def test_a_strip_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(PictureError, match="strip"):
        fit(np.zeros((20, 50_000, 3), np.uint8), (200, 200))


@pytest.mark.parametrize("shape", [(61, 90), (90, 61), (64, 64), (200, 33)])
@pytest.mark.parametrize("size_px", [(20, 20), (24, 16), (61, 61)])
def test_a_huge_picture_shrinks_in_bands_to_the_same_planes(shape, size_px, monkeypatch) -> None:
    module = sys.modules["fingerspell.images.fit"]
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    whole = fit(rgb, size_px)
    monkeypatch.setattr(module, "_WHOLE_PIXELS", 1000)
    monkeypatch.setattr(module, "_BAND_PIXELS", 700)
    np.testing.assert_allclose(fit(rgb, size_px), whole, atol=2e-6, rtol=0)


def test_fifty_megapixels_take_little_memory_beside_themselves() -> None:
    rgb = np.full((6_250, 8_000, 3), 255, np.uint8)
    tracemalloc.start()
    planes = fit(rgb, (200, 200))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
    assert (planes[100] == 1).all()
    assert (planes[0] == 0).all()


def test_load_takes_bytes_and_files_alike(tmp_path) -> None:
    data = encode_jpeg(WHITE)
    (tmp_path / "white.jpg").write_bytes(data)
    np.testing.assert_array_equal(load(data, (8, 8)), load(tmp_path / "white.jpg", (8, 8)))


SIDE_PX = 100


def photo(height: int, width: int) -> Pixels:
    coarse = np.random.default_rng(height).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


SMALL = {size: encode_jpeg(photo(*size)) for size in ((100, 100), (1, 1), (190, 190), (90, 2000))}
SMALL[300, 400] = saved(Image.fromarray(photo(300, 400)), "PNG")


@pytest.mark.parametrize("size", SMALL)
def test_small_pictures_and_other_formats_come_whole(size: tuple[int, int]) -> None:
    small = glance(SMALL[size], SIDE_PX)
    np.testing.assert_array_equal(small.rgb, decode(SMALL[size]))
    assert (small.height, small.width) == size


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("size", [(200, 200), (300, 217), (480, 640), (999, 1333)])
def test_a_large_picture_is_reduced_but_keeps_its_sides_upright(size, turned: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    data = saved(Image.fromarray(photo(*size)), "JPEG", quality=90, exif=exif)
    small, whole = glance(data, SIDE_PX), decode(data)
    height, width = small.rgb.shape[:2]
    assert (small.height, small.width) == (size[::-1] if turned else size) == whole.shape[:2]
    assert SIDE_PX <= min(height, width) <= min(size) / 2 + 1
    expected = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(small.rgb.astype(int) - expected).mean() < 4


def refusal(data: bytes, side_px: int | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data) if side_px is None else glance(data, side_px)
    return caught.value.found


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.98])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_what_decode_refuses_a_glance_refuses(progressive: bool, share: float, end: bytes) -> None:
    grainy = np.random.default_rng(5).integers(0, 256, (900, 900, 3), dtype=np.uint8)
    data = saved(Image.fromarray(grainy), "JPEG", quality=90, progressive=progressive)
    damaged = data[: int(share * len(data))] + end
    assert "damaged" in refusal(damaged)
    assert refusal(damaged, SIDE_PX) == refusal(damaged)
