"""Any usual picture comes out as upright RGB bytes; anything else is refused with its reason."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import MAX_PIXELS, decode, encode_jpeg, read

WIDE = np.zeros((8, 16, 3), np.uint8)
WIDE[:4, :8] = (250, 20, 10)
WIDE[4:, 8:] = (10, 20, 250)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    data = saved(Image.fromarray(WIDE), kind, **({"lossless": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(decode(data), WIDE)


def test_a_jpeg_is_rgb_and_not_bgr() -> None:
    red, green, blue = decode(encode_jpeg(np.full((32, 32, 3), (200, 30, 20), np.uint8)))[16, 16]
    assert red > 180
    assert green < 60
    assert blue < 60


def test_an_animation_gives_its_first_frame() -> None:
    first = Image.new("RGB", (4, 4), (255, 0, 0))
    data = saved(first, "GIF", save_all=True, append_images=[Image.new("RGB", (4, 4), (0, 0, 255))])
    assert decode(data)[0, 0].tolist() == [255, 0, 0]


def test_grey_becomes_three_equal_channels() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(
        decode(saved(Image.fromarray(grey), "PNG")), np.stack([grey] * 3, axis=2)
    )
    jpeg = decode(saved(Image.fromarray(grey), "JPEG", quality=100))
    assert jpeg.shape == (16, 16, 3)
    assert (jpeg[..., 0] == jpeg[..., 2]).all()


def test_sixteen_bit_grey_keeps_its_upper_bits() -> None:
    deep = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        pixels = decode(saved(Image.fromarray(deep), kind))
        np.testing.assert_array_equal(pixels[..., 1], (deep >> 8).astype(np.uint8))


def test_a_palette_is_looked_up() -> None:
    data = saved(Image.fromarray(WIDE).quantize(8), "PNG")
    np.testing.assert_array_equal(decode(data), WIDE)


def test_transparency_is_laid_on_black() -> None:
    clear = Image.new("RGBA", (2, 1), (255, 255, 255, 0))
    clear.putpixel((1, 0), (200, 100, 50, 128))
    pixels = decode(saved(clear, "PNG"))
    assert pixels[0, 0].tolist() == [0, 0, 0]
    np.testing.assert_allclose(pixels[0, 1], [100, 50, 25], atol=1)


def test_a_transparent_palette_colour_is_laid_on_black() -> None:
    image = Image.new("P", (2, 1), 0)
    image.putpalette([255, 255, 255, 9, 8, 7])
    image.putpixel((1, 0), 1)
    pixels = decode(saved(image, "PNG", transparency=0))
    assert pixels.tolist() == [[[0, 0, 0], [9, 8, 7]]]


def test_cmyk_jpeg_is_converted() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    r, g, b = decode(saved(red, "JPEG", quality=95))[8, 8]
    assert r > 200
    assert max(g, b) < 60


TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x, 2).transpose(1, 0, 2),
    8: lambda x: np.rot90(x, 1),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = decode(saved(Image.fromarray(WIDE), kind))
    turned = decode(saved(Image.fromarray(WIDE), kind, exif=exif))
    np.testing.assert_array_equal(turned, TURNS[orientation](plain))


def test_a_nonsense_orientation_or_broken_exif_is_no_obstacle() -> None:
    plain = encode_jpeg(WIDE)
    broken = plain[:2] + b"\xff\xe1\x00\x10Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff" + plain[2:]
    np.testing.assert_array_equal(decode(broken), decode(plain))


@pytest.mark.parametrize("cut", [2, 20, 300, 700])
def test_a_truncated_jpeg_is_refused(cut: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    data = encode_jpeg(noise)
    with pytest.raises(PictureError):
        decode(data[:cut])


def photo() -> bytes:
    """A JPEG with some texture all over, so that no part of it is coded in a few bytes."""
    rng = np.random.default_rng(3)
    return encode_jpeg(rng.integers(90, 160, (96, 96, 3), dtype=np.uint8))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("tail", [b"\xff\xd9", bytes(3000), bytes(3000) + b"\xff\xd9"])
def test_a_jpeg_whose_end_is_patched_up_is_refused(share: float, tail: bytes) -> None:
    data = photo()
    with pytest.raises(PictureError, match="damaged"):
        decode(data[: int(len(data) * share)] + tail)


def test_a_jpeg_with_a_hole_is_refused() -> None:
    data = photo()
    middle = len(data) // 2
    with pytest.raises(PictureError, match="damaged"):
        decode(data[:middle] + data[middle + 60 :])


def test_stray_bytes_before_the_end_as_webcams_write_them_are_no_damage() -> None:
    data = photo()
    assert data.endswith(b"\xff\xd9")
    for stray in (1, 4, 12):
        np.testing.assert_array_equal(decode(data[:-2] + bytes(stray) + data[-2:]), decode(data))


def test_bytes_behind_the_end_are_no_damage() -> None:
    data = photo()
    np.testing.assert_array_equal(decode(data + b"more, as phones append it" * 9), decode(data))


def test_no_memory_for_a_picture_is_an_error_like_others(monkeypatch) -> None:
    import simplejpeg

    def full(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(simplejpeg, "decode_jpeg", full)
    with pytest.raises(PictureError, match="memory"):
        decode(encode_jpeg(WIDE))


def test_a_truncated_png_is_refused() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with pytest.raises(PictureError, match="damaged"):
        decode(saved(Image.fromarray(noise), "PNG")[:900])


def test_what_is_no_picture_is_named() -> None:
    for data, reason in [
        (b"", "empty"),
        (b"hello world, no picture here", "no picture"),
        (b"<!DOCTYPE html><html>", "text"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xff\xd8\xff\xe0 not really", "damaged|no picture"),
    ]:
        with pytest.raises(PictureError, match=reason):
            decode(data)


def png_that_claims(width: int, height: int) -> bytes:
    """A few dozen bytes whose header promises width × height pixels."""

    def part(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = part(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + rows + part(b"IEND", b"")


@pytest.mark.parametrize("side", [7_100, 10_000, 40_000])
def test_a_decompression_bomb_is_refused_before_it_unpacks(side: int) -> None:
    with pytest.raises(PictureError, match=f"at most {MAX_PIXELS:,}"):
        decode(png_that_claims(side, side))


def test_a_jpeg_that_claims_too_many_pixels_is_refused() -> None:
    data = bytearray(encode_jpeg(WIDE))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(PictureError, match=f"at most {MAX_PIXELS:,}"):
        decode(bytes(data))


def test_too_many_bytes_are_refused_without_reading_them(tmp_path, monkeypatch) -> None:
    import sys

    module = sys.modules["fingerspell.images.decode"]
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    path = tmp_path / "big.jpg"
    path.write_bytes(encode_jpeg(WIDE))
    with pytest.raises(PictureError, match=r"big\.jpg.*bytes"):
        read(path)
    with pytest.raises(PictureError, match="at most 10 bytes"):
        decode(path.read_bytes())


def test_the_extension_does_not_matter(tmp_path) -> None:
    path = tmp_path / "really a png.jpg"
    path.write_bytes(saved(Image.fromarray(WIDE), "PNG"))
    np.testing.assert_array_equal(read(path), WIDE)


def test_a_file_error_names_the_file(tmp_path) -> None:
    with pytest.raises(PictureError, match=r"gone\.jpg"):
        read(tmp_path / "gone.jpg")
    (tmp_path / "nothing.jpg").write_bytes(b"")
    with pytest.raises(PictureError, match=r"nothing\.jpg: an empty file"):
        read(tmp_path / "nothing.jpg")


def test_flipped_bits_never_escape_as_another_error() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
    for good in (encode_jpeg(picture), saved(Image.fromarray(picture), "PNG"),
                 saved(Image.fromarray(picture), "WEBP"), saved(Image.fromarray(picture), "TIFF"),
                 saved(Image.fromarray(picture), "GIF")):  # fmt: skip
        for _ in range(60):
            data = bytearray(good)
            for place in rng.integers(0, len(data), 8):
                data[place] ^= 1 << int(rng.integers(8))
            with contextlib.suppress(PictureError):
                assert decode(bytes(data)).shape[2] == 3


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum() -> None:
    rng = np.random.default_rng(2)
    data = saved(Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)), "PNG")
    first, last = data.index(b"IDAT"), data.index(b"IEND") - 8
    for place in rng.integers(first + 4, last, 40):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(PictureError, match="checksum of its IDAT"):
            decode(bytes(damaged))


def test_bytes_behind_a_png_are_no_damage() -> None:
    data = saved(Image.fromarray(WIDE), "PNG")
    np.testing.assert_array_equal(decode(data + bytes(200)), decode(data))


def test_a_hole_in_a_cmyk_jpeg_is_found() -> None:
    rng = np.random.default_rng(4)
    inks = Image.fromarray(rng.integers(0, 256, (64, 64, 4), dtype=np.uint8), "CMYK")
    data = saved(inks, "JPEG")
    middle = len(data) // 2
    with pytest.raises(PictureError, match="damaged"):
        decode(data[:middle] + b"\xff\xd9")
