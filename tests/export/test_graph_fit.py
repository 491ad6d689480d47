"""The picture path inside the graph is the one outside it."""

from __future__ import annotations

import numpy as np
import pytest

from fingerspell import images
from fingerspell.export import graphs
from helpers.exports import jpeg

SIZES = [
    (208, 207),
    (96, 96),
    (640, 480),
    (203, 208),
    (720, 1280),
    (200, 200),
    (199, 200),
    (201, 200),
    (1, 1),
    (3, 150),
    (401, 400),
]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_picture_of_any_size_is_fitted_as_outside_the_graph(height: int, width: int):
    data = jpeg(height, width)
    inside = graphs._picture(data, (200, 200)).numpy()
    np.testing.assert_allclose(inside, images.load(data, (200, 200)), atol=1e-6)


@pytest.mark.parametrize("size_px", [(224, 200), (64, 96), (32, 224)])
@pytest.mark.parametrize(("height", "width"), [(208, 207), (33, 231), (100, 300), (60, 41)])
def test_a_network_that_is_not_square_gets_the_same_picture(
    height: int, width: int, size_px: tuple[int, int]
):
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_allclose(
        graphs._fit(rgb, size_px).numpy(), images.fit(rgb, size_px), atol=1e-6
    )


def test_slivers_of_pixels_are_left_out_as_opencv_does():
    rgb = np.random.default_rng(0).integers(0, 256, (1501, 4, 3), dtype=np.uint8)
    inside = graphs._fit(rgb, (1500, 4)).numpy()
    np.testing.assert_allclose(inside, images.fit(rgb, (1500, 4)), atol=1e-6)


def test_grey_jpegs_become_three_equal_channels():
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    inside = graphs._picture(file.getvalue(), (64, 64)).numpy()
    np.testing.assert_allclose(inside, images.load(file.getvalue(), (64, 64)), atol=1e-6)


def test_pixels_stay_between_nought_and_one():
    white = np.full((333, 217, 3), 255, np.uint8)
    fitted = graphs._fit(white, (200, 200)).numpy()
    assert fitted.min() == 0.0
    assert fitted.max() == pytest.approx(1.0)
    assert fitted.max() <= 1.0
