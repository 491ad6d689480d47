"""Any usual picture comes out as upright RGB bytes; anything else is refused with its reason."""

import contextlib
import sys

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import decode, encode_jpeg, read
from helpers.picture_files import lying, saved

WIDE = np.zeros((8, 16, 3), np.uint8)
WIDE[:4, :8] = (250, 20, 10)
WIDE[4:, 8:] = (10, 20, 250)


PICTURE = Image.fromarray(WIDE)
LOSSLESS = {
    **{kind: saved(PICTURE, kind) for kind in ("PNG", "BMP", "TIFF")},
    "WEBP": saved(PICTURE, "WEBP", lossless=True),
    "a palette": saved(PICTURE.quantize(8), "PNG"),
    "bytes behind a PNG": saved(PICTURE, "PNG") + bytes(200),
}


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_formats_keep_every_pixel(kind: str) -> None:
    np.testing.assert_array_equal(decode(LOSSLESS[kind]), WIDE)


def test_a_jpeg_is_rgb_and_not_bgr_of_cmyk_too() -> None:
    plain = encode_jpeg(np.full((32, 32, 3), (200, 30, 20), np.uint8))
    cmyk = saved(Image.new("CMYK", (32, 32), (0, 255, 255, 0)), "JPEG", quality=95)
    for data in (plain, cmyk):
        red, green, blue = decode(data)[16, 16]
        assert red > 180
        assert max(green, blue) < 60


def test_grey_becomes_three_equal_channels_and_of_sixteen_bits_the_upper_eight() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    deep = grey.astype(np.uint16) * 256 + (255 - grey)
    for values, kind in ((grey, "PNG"), (deep, "PNG"), (deep, "TIFF")):
        pixels = decode(saved(Image.fromarray(values), kind))
        np.testing.assert_array_equal(pixels, np.stack([grey] * 3, axis=2))
    jpeg = decode(saved(Image.fromarray(grey), "JPEG", quality=100))
    assert jpeg.shape == (16, 16, 3)
    assert (jpeg[..., 0] == jpeg[..., 2]).all()


def test_half_transparency_lets_half_of_the_colour_through() -> None:
    half = Image.new("RGBA", (1, 1), (200, 100, 50, 128))
    np.testing.assert_allclose(decode(saved(half, "PNG"))[0, 0], [100, 50, 25], atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_of_a_jpeg_is_applied(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain, turned = (decode(saved(PICTURE, "JPEG", **x)) for x in ({}, {"exif": exif}))
    np.testing.assert_array_equal(lying(turned, orientation), plain)


def noise(side_px: int, channels: int = 3, low: int = 0, high: int = 256) -> np.ndarray:
    """Texture all over, so that no part of the file is coded in a few bytes."""
    rng = np.random.default_rng(3)
    return rng.integers(low, high, (side_px, side_px, channels), dtype=np.uint8)


PHOTO = encode_jpeg(noise(96, low=90, high=160))
END = b"\xff\xd9"
HALF = len(PHOTO) // 2
CMYK = saved(Image.fromarray(noise(64, 4), "CMYK"), "JPEG")
DAMAGED = {
    **{f"cut at byte {at}": encode_jpeg(noise(32))[:at] for at in (300, 700)},
    **{
        f"{share} of it and {len(tail)} bytes": PHOTO[: int(len(PHOTO) * share)] + tail
        for share in (0.3, 0.6, 0.95)
        for tail in (END, bytes(3000), bytes(3000) + END)
    },
    "a hole": PHOTO[:HALF] + PHOTO[HALF + 60 :],
    "a hole in CMYK": CMYK[: len(CMYK) // 2] + END,
    "a truncated PNG": saved(Image.fromarray(noise(32)), "PNG")[:900],
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_picture_is_refused(damage: str) -> None:
    with pytest.raises(PictureError, match="damaged"):
        decode(DAMAGED[damage])


HARMLESS = {
    "broken Exif": PHOTO[:2] + b"\xff\xe1\x00\x10Exif\x00\x00MM\x00\x2a" + b"\xff" * 4 + PHOTO[2:],
    **{f"{n} stray bytes, as of webcams": PHOTO[:-2] + bytes(n) + END for n in (1, 4, 12)},
    "bytes behind the end": PHOTO + b"more, as phones append it" * 9,
}


@pytest.mark.parametrize("oddity", HARMLESS)
def test_what_cameras_add_is_no_damage(oddity: str) -> None:
    assert PHOTO.endswith(END)
    np.testing.assert_array_equal(decode(HARMLESS[oddity]), decode(PHOTO))


def test_no_memory_for_a_picture_is_an_error_like_others(monkeypatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(simplejpeg, "decode_jpeg", full)
    with pytest.raises(PictureError, match="memory"):
        decode(encode_jpeg(WIDE))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello world, no picture here", "no picture"),
        (b"<!DOCTYPE html><html>", "text"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\xff\xd8\xff\xe0 not really", "damaged|no picture"),
        (b"\xff\xd8", "damaged|no picture"),
        (PHOTO[:20], "damaged|no picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(data)


def test_too_many_bytes_are_refused_without_reading_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys.modules["fingerspell.images.decode"], "MAX_BYTES", 10)
    path = tmp_path / "big.jpg"
    path.write_bytes(encode_jpeg(WIDE))
    with pytest.raises(PictureError, match=r"big\.jpg.*bytes"):
        read(path)
    with pytest.raises(PictureError, match="at most 10 bytes"):
        decode(path.read_bytes())


def test_a_file_may_have_any_ending_and_its_error_names_it(tmp_path) -> None:
    (tmp_path / "really a png.jpg").write_bytes(saved(PICTURE, "PNG"))
    np.testing.assert_array_equal(read(tmp_path / "really a png.jpg"), WIDE)
    (tmp_path / "nothing.jpg").write_bytes(b"")
    for name, reason in (("gone.jpg", ""), ("nothing.jpg", ": an empty file")):
        with pytest.raises(PictureError, match=name + reason):
            read(tmp_path / name)


def test_flipped_bits_never_escape_as_another_error() -> None:
    rng, picture = np.random.default_rng(1), Image.fromarray(noise(24))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "GIF"):
        for _ in range(60):
            data = bytearray(saved(picture, kind))
            for place in rng.integers(0, len(data), 8):
                data[place] ^= 1 << int(rng.integers(8))
            with contextlib.suppress(PictureError):
                assert decode(bytes(data)).shape[2] == 3


def test_a_flipped_bit_in_a_png_is_found_by_its_checksum() -> None:
    rng = np.random.default_rng(2)
    data = saved(Image.fromarray(noise(24)), "PNG")
    first, last = data.index(b"IDAT"), data.index(b"IEND") - 8
    for place in rng.integers(first + 4, last, 40):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(PictureError, match="checksum of its IDAT"):
            decode(bytes(damaged))


@pytest.mark.parametrize("chroma", ["444", "422", "420", "Gray"])
@pytest.mark.parametrize("quality", [35, 92])
@pytest.mark.parametrize("shape", [(64, 64), (53, 37)])
def test_decode_is_bit_identical_to_tensorflow(shape, quality: int, chroma: str) -> None:
    """Bit for bit: graph and runtime see the same pixels."""
    tf = pytest.importorskip("tensorflow")
    cells = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    space = "Gray" if chroma == "Gray" else "RGB"
    pixels = cells[..., :1].copy() if chroma == "Gray" else cells
    data = simplejpeg.encode_jpeg(pixels, quality, space, chroma)
    theirs = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE").numpy()
    np.testing.assert_array_equal(decode(data), theirs)
