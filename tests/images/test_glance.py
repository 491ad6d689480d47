"""A glance judges a file as `decode` does, and makes fewer pixels of a large one."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import Pixels, decode, encode_jpeg, glance

SIDE_PX = 100


def photo(height: int, width: int) -> Pixels:
    coarse = np.random.default_rng(height).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def jpeg(rgb: Pixels, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


@pytest.mark.parametrize("size", [(100, 100), (1, 1), (190, 190), (90, 2000)])
def test_a_small_picture_comes_whole(size: tuple[int, int]) -> None:
    data = encode_jpeg(photo(*size))
    small = glance(data, SIDE_PX)
    np.testing.assert_array_equal(small.rgb, decode(data))
    assert (small.height, small.width) == size


@pytest.mark.parametrize("size", [(200, 200), (300, 217), (480, 640), (999, 1333)])
def test_a_large_picture_is_reduced_but_keeps_its_sides(size: tuple[int, int]) -> None:
    data = encode_jpeg(photo(*size))
    small, whole = glance(data, SIDE_PX), decode(data)
    height, width = small.rgb.shape[:2]
    assert (small.height, small.width) == size == whole.shape[:2]
    assert SIDE_PX <= min(height, width) <= min(size) / 2 + 1
    expected = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(small.rgb.astype(int) - expected).mean() < 4


def test_a_reduced_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg(photo(300, 500), exif=exif)
    small, whole = glance(data, SIDE_PX), decode(data)
    assert (small.height, small.width) == whole.shape[:2] == (500, 300)
    size = small.rgb.shape[1::-1]
    expected = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    assert np.abs(small.rgb.astype(int) - expected).mean() < 4


def test_other_formats_come_whole() -> None:
    out = io.BytesIO()
    Image.fromarray(photo(300, 400)).save(out, "PNG")
    small = glance(out.getvalue(), SIDE_PX)
    np.testing.assert_array_equal(small.rgb, photo(300, 400))
    assert (small.height, small.width) == (300, 400)


def refusal(data: bytes, side_px: int | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data) if side_px is None else glance(data, side_px)
    return caught.value.found


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.98])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9"])
def test_what_decode_refuses_a_glance_refuses(progressive: bool, share: float, end: bytes) -> None:
    rng = np.random.default_rng(5)
    grainy = rng.integers(0, 256, (900, 900, 3), dtype=np.uint8)
    data = jpeg(grainy, progressive=progressive)
    damaged = data[: int(share * len(data))] + end
    assert "damaged" in refusal(damaged)
    assert refusal(damaged, SIDE_PX) == refusal(damaged)
