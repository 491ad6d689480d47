"""A glance judges a file as `decode` does, and makes fewer pixels of a large one."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import Pixels, decode, encode_jpeg, glance
from helpers.picture_files import saved

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
def test_a_large_picture_is_reduced_but_keeps_its_sides_upright(
    size: tuple[int, int], turned: bool
) -> None:
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
