"""Every mode a file may be in gives the RGB that a person would see."""

import struct
import sys

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import decode
from helpers.picture_files import png, png_chunk, saved


def two(mode: str, first: object, second: object) -> Image.Image:
    image = Image.new(mode, (2, 1), first)
    image.putpixel((1, 0), second)
    return image


def deep(colours: int, *values: int) -> bytes:
    """A PNG of two pixels with sixteen bits a channel."""
    return png((2, 1), 16, colours, b"\0" + struct.pack(f">{len(values)}H", *values))


FULL, WHITE, BLACK = 65535, [255] * 3, [0] * 3
GREY_ALPHA = two("LA", (200, 255), (200, 0))
CLEAR = two("RGBA", (240, 240, 240, 0), (200, 100, 50, 255))
PALETTE = two("P", 0, 1)
PALETTE.putpalette([255, 255, 255, 9, 8, 7])
ONE_CLEAR = png_chunk(b"tRNS", struct.pack(">3H", 255, 255, 255))
MODES = {
    "16-bit RGB keeps its upper bits": (
        deep(2, FULL, 100 * 256 + 3, 50 * 256, 0, FULL, 12), [[255, 100, 50], [0, 255, 0]]
    ),
    "16-bit grey and alpha": (deep(4, 100 * 256, FULL, FULL, 0), [[100] * 3, BLACK]),
    "16-bit RGBA": (deep(6, FULL, 0, 0, FULL, FULL, FULL, FULL, 0), [[255, 0, 0], BLACK]),
    "one bit": (png((2, 1), 1, 0, b"\0\x80"), [WHITE, BLACK]),
    "two bits": (png((4, 1), 2, 0, b"\0\x1b"), [[v] * 3 for v in (0, 85, 170, 255)]),
    "grey and alpha, PNG": (saved(GREY_ALPHA, "PNG"), [[200] * 3, BLACK]),
    "grey and alpha, TIFF": (saved(GREY_ALPHA, "TIFF"), [[200] * 3, BLACK]),
    "one transparent colour": (
        png((2, 1), 8, 2, b"\0" + bytes([*WHITE, 9, 8, 7]), ONE_CLEAR), [BLACK, [9, 8, 7]]
    ),
    "a transparent colour of a palette": (
        saved(PALETTE, "PNG", transparency=0), [BLACK, [9, 8, 7]]
    ),
    **{
        f"RGBA, {kind}": (saved(CLEAR, kind, lossless=True), [BLACK, [200, 100, 50]])
        for kind in ("PNG", "WEBP", "GIF", "TIFF")
    },
}  # fmt: skip
"""A file, and the pixels of its first row. Transparency is laid on black."""


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_the_pixels_that_a_person_sees(mode: str) -> None:
    data, pixels = MODES[mode]
    assert decode(data)[0].tolist() == pixels


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
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (37, 11, 4), dtype=np.uint8)
    data = saved(Image.fromarray(rgba), "PNG")
    whole = decode(data)
    monkeypatch.setattr(sys.modules["fingerspell.images.decode"], "_STRIP_PIXELS", 55)
    np.testing.assert_array_equal(decode(data), whole)
