"""How many pixels a picture has, by its header."""

import pytest
from PIL import Image

from fingerspell.images import pixel_count
from helpers.picture_files import saved

PICTURE = Image.new("RGB", (31, 20))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "AVIF"])
def test_the_header_says_how_many_pixels_there_are(kind: str):
    assert pixel_count(saved(PICTURE, kind)) == 31 * 20


@pytest.mark.parametrize("data", [b"", b"hello", b"\xff\xd8\xff", saved(PICTURE, "PNG")[:20]])
def test_a_header_that_says_nothing_is_none(data: bytes):
    assert pixel_count(data) is None
