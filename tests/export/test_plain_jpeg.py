"""Only plain JPEG bytes mean the same to every decoder."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fingerspell import images
from fingerspell.errors import PictureError
from fingerspell.export import graphs
from fingerspell.images.decode import as_plain_jpeg
from helpers.exports import jpeg


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def lying_down() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(Image.open(io.BytesIO(jpeg(60, 90))), "JPEG", exif=exif)


def test_a_plain_jpeg_is_left_as_it_is():
    assert as_plain_jpeg(jpeg(60, 80)) == jpeg(60, 80)


@pytest.mark.parametrize(
    "data",
    [
        lying_down(),
        saved(Image.open(io.BytesIO(jpeg(60, 90))), "PNG"),
        saved(Image.open(io.BytesIO(jpeg(60, 90))).convert("CMYK"), "JPEG"),
    ],
    ids=["turned by EXIF", "PNG", "CMYK"],
)
def test_everything_else_is_rewritten_so_that_the_graph_sees_the_same(data: bytes):
    plain = as_plain_jpeg(data)
    inside = graphs._picture(plain, (64, 64)).numpy()
    np.testing.assert_allclose(inside, images.load(plain, (64, 64)), atol=1e-6)
    assert images.decode(plain).shape == images.decode(data).shape


def test_what_is_no_picture_is_refused():
    with pytest.raises(PictureError):
        as_plain_jpeg(b"no picture")
