"""Every mode a file may be in gives the RGB that a person would see."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import decode
from helpers.picture_files import png, png_chunk, saved


def pixels(data: bytes) -> list[list[int]]:
    return decode(data)[0].tolist()


def test_sixteen_bit_rgb_keeps_its_upper_bits() -> None:
    row = b"\0" + struct.pack(">6H", 65535, 100 * 256 + 3, 50 * 256, 0, 65535, 12)
    assert pixels(png((2, 1), 16, 2, row)) == [[255, 100, 50], [0, 255, 0]]


def test_sixteen_bit_transparency_is_laid_on_black() -> None:
    row = b"\0" + struct.pack(">4H", 100 * 256, 65535, 65535, 0)
    assert pixels(png((2, 1), 16, 4, row)) == [[100] * 3, [0] * 3]
    row = b"\0" + struct.pack(">8H", 65535, 0, 0, 65535, 65535, 65535, 65535, 0)
    assert pixels(png((2, 1), 16, 6, row)) == [[255, 0, 0], [0] * 3]


def test_one_and_two_bits_spread_over_the_whole_range() -> None:
    assert pixels(png((2, 1), 1, 0, b"\0\x80")) == [[255] * 3, [0] * 3]
    assert pixels(png((4, 1), 2, 0, b"\0\x1b")) == [[v] * 3 for v in (0, 85, 170, 255)]


def test_grey_with_alpha_is_laid_on_black() -> None:
    image = Image.new("LA", (2, 1), (200, 255))
    image.putpixel((1, 0), (200, 0))
    for kind in ("PNG", "TIFF"):
        assert pixels(saved(image, kind)) == [[200] * 3, [0] * 3]


def test_one_colour_that_counts_as_transparent_is_laid_on_black() -> None:
    clear = png_chunk(b"tRNS", struct.pack(">3H", 255, 255, 255))
    assert pixels(png((2, 1), 8, 2, b"\0" + bytes([255] * 3 + [9, 8, 7]), clear)) == [
        [0, 0, 0],
        [9, 8, 7],
    ]


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "TIFF"])
def test_transparency_of_every_format_is_laid_on_black(kind: str) -> None:
    image = Image.new("RGBA", (2, 1), (240, 240, 240, 0))
    image.putpixel((1, 0), (200, 100, 50, 255))
    options = {"lossless": True} if kind == "WEBP" else {}
    assert pixels(saved(image, kind, **options)) == [[0, 0, 0], [200, 100, 50]]


def cmyk_jpeg(values: tuple[int, int, int, int], transform: int) -> bytes:
    """A JPEG as Adobe writes it; 0 means that the four channels are CMYK, 2 that they are YCCK."""
    data = bytearray(saved(Image.new("CMYK", (16, 16), values), "JPEG", quality=100))
    data[data.index(b"Adobe") + 11] = transform
    return bytes(data)


def test_adobes_inverted_cmyk_is_not_taken_for_a_negative() -> None:
    for ink, seen in [((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0), ((0, 0, 0, 100), 155)]:
        assert np.abs(decode(cmyk_jpeg(ink, 0)).astype(int) - seen).max() <= 3


def test_ycck_is_turned_into_colours() -> None:
    # Red is the inks M and Y in full. Adobe stores them inverted, (C, M, Y) = (255, 0, 0), and as
    # the Y, Cb, Cr of the opposite colour, (0, 255, 255). Pillow inverts when it saves.
    stored = np.array([179, 171, 0, 255])
    red = decode(cmyk_jpeg(tuple((255 - stored).tolist()), 2))[8, 8].astype(int)
    np.testing.assert_allclose(red, [255, 0, 0], atol=6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "jpeg"])
def test_compressed_tiffs_are_read(compression: str) -> None:
    data = saved(Image.new("RGB", (40, 30), (180, 90, 45)), "TIFF", compression=compression)
    np.testing.assert_allclose(decode(data)[15, 20].astype(int), [180, 90, 45], atol=4)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_the_first_of_several_pictures_counts(kind: str) -> None:
    red, green = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (8, 8), (0, 255, 0))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(red, kind, save_all=True, append_images=[green], **options)
    np.testing.assert_allclose(decode(data)[4, 4].astype(int), [255, 0, 0], atol=3)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_a_range_that_nobody_knows_is_refused_with_its_reason(mode: str) -> None:
    with pytest.raises(PictureError, match="32-bit grey"):
        decode(saved(Image.new(mode, (4, 3), 7), "TIFF"))


def test_a_tall_picture_is_unpacked_strip_by_strip_without_a_seam(monkeypatch) -> None:
    import sys

    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (37, 11, 4), dtype=np.uint8)
    data = saved(Image.fromarray(rgba), "PNG")
    whole = decode(data)
    monkeypatch.setattr(sys.modules["fingerspell.images.decode"], "_STRIP_PIXELS", 55)
    np.testing.assert_array_equal(decode(data), whole)
