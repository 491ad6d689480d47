"""The picture path inside the graph is the one outside it."""

import io

import numpy as np
import pytest
from PIL import Image

from fingerspell import images
from fingerspell.errors import PictureError
from fingerspell.export import graphs
from fingerspell.images.encode import as_plain_jpeg
from helpers.exports import jpeg
from helpers.picture_files import saved

USUAL = [(208, 207), (96, 96), (640, 480), (203, 208), (720, 1280)]
EXTREME = [(200, 200), (199, 200), (201, 200), (1, 1), (3, 150), (401, 400)]


def assert_same_path(data: bytes, size_px: tuple[int, int]) -> None:
    inside = graphs._picture(data, size_px).numpy()
    np.testing.assert_allclose(inside, images.load(data, size_px), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [*USUAL, *EXTREME])
def test_a_picture_of_any_size_is_fitted_as_outside_the_graph(height: int, width: int):
    assert_same_path(jpeg(height, width), (200, 200))


FITS = [
    ((height, width), size_px)
    for size_px in ((224, 200), (64, 96), (32, 224))
    for height, width in ((208, 207), (33, 231), (100, 300), (60, 41))
]
SLIVERS = ((1501, 4), (1500, 4))
"""Where OpenCV leaves out the slivers of pixels at its borders."""


@pytest.mark.parametrize(("shape", "size_px"), [*FITS, SLIVERS])
def test_a_network_that_is_not_square_gets_the_same_picture(shape, size_px):
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        graphs._fit(rgb, size_px).numpy(), images.fit(rgb, size_px), atol=1e-6
    )


def test_grey_jpegs_become_three_equal_channels():
    assert_same_path(saved(Image.linear_gradient("L"), "JPEG"), (64, 64))


def test_white_is_one_and_no_more():
    white = np.full((501, 499, 3), 255, np.uint8)  # Whose weights add up to a little more.
    assert 0.9999 < graphs._fit(white, (200, 200)).numpy().max() <= 1.0


def test_a_plain_jpeg_is_left_as_it_is_and_what_is_no_picture_refused():
    assert as_plain_jpeg(jpeg(60, 80)) == jpeg(60, 80)
    with pytest.raises(PictureError):
        as_plain_jpeg(b"no picture")


@pytest.mark.parametrize("kind", ["turned by EXIF", "PNG", "CMYK"])
def test_everything_else_is_rewritten_so_that_the_graph_sees_the_same(kind: str):
    picture, exif = Image.open(io.BytesIO(jpeg(60, 90))), Image.Exif()
    exif[0x0112] = 6
    data = {
        "turned by EXIF": lambda: saved(picture, "JPEG", exif=exif),
        "PNG": lambda: saved(picture, "PNG"),
        "CMYK": lambda: saved(picture.convert("CMYK"), "JPEG"),
    }[kind]()
    plain = as_plain_jpeg(data)
    assert_same_path(plain, (64, 64))
    assert images.decode(plain).shape == images.decode(data).shape
