"""What is wrong beside the pixels of a file does not change them; what touches them is refused."""

import re
import struct
import time

import numpy as np
import pytest
from PIL import Image

from fingerspell.errors import PictureError
from fingerspell.images import MAX_PIXELS, glance, pixel_count
from fingerspell.images.decode import decode
from fingerspell.images.stray_bytes import _ZEROS, _stray_candidates, jpeg_pixels
from helpers.picture_files import lying, tiff
from helpers.picture_files import saved as saved_image

RGB = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)
RESTART = rb"(?=\xff[\xd0-\xd7])"


def saved(kind, image=None, **options):
    return saved_image(image or Image.fromarray(RGB), kind, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}), ("TIFF", {"big_tiff": True}), ("PNG", {}),
        ("WEBP", {"lossless": True}),
    ],
)  # fmt: skip
def test_every_container_comes_out_upright_once(kind, options, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(kind, lying(RGB, orientation), exif=exif, **options)
    np.testing.assert_array_equal(decode(data), RGB)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_in_tiles_comes_out_upright_once(orientation):
    grey = np.asarray(lying(RGB[..., 0], orientation))
    height, width = grey.shape
    tile = np.zeros((48, 48), np.uint8)
    tile[:height, :width] = grey
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 274: orientation, 322: 48, 323: 48,
            324: 8 + 2 + 12 * 10 + 4, 325: tile.size}  # fmt: skip
    data = tiff({tag: (4, 1, value) for tag, value in tags.items()}, tile.tobytes())
    np.testing.assert_array_equal(decode(data), np.dstack([RGB[..., 0]] * 3))


def camera(count, filling=b"\x00", **options):
    """A JPEG with `count` bytes to spare in front of each restart marker."""
    data = saved("JPEG", restart_marker_blocks=1, **options)
    return data, re.sub(RESTART, filling * count, data)


@pytest.mark.parametrize("count", [1, 2, 16])
@pytest.mark.parametrize("filling", [b"\x00", b"\x55"])
def test_the_same_number_of_bytes_before_every_restart_marker_is_a_camera(count, filling):
    clean, stray = camera(count, filling)
    assert stray != clean
    np.testing.assert_array_equal(decode(stray), decode(clean))
    assert glance(stray, 4).rgb.shape == glance(clean, 4).rgb.shape


def test_what_is_stray_is_not_looked_for_where_that_would_take_long():
    with pytest.raises(PictureError, match="damaged"):
        decode(camera(2)[1], most_repair=24 * 36 * 2)  # Two tries; the third is it.
    decode(camera(2)[1], most_repair=24 * 36 * 3)
    decode(
        saved("JPEG", comment=b"one try is free").replace(b"\xff\xda", b"\0\xff\xda"), most_repair=1
    )


MANY = 500_000


@pytest.mark.parametrize("markers", [1, 4])
@pytest.mark.parametrize(
    ("in_header", "filling"),
    [
        (b"", b"\x00" * MANY),
        (b"", b"\x55" * MANY),
        (b"", b"\xff\x00" * MANY),
        (b"\xff\xe1\x00\x02" * MANY, b"\x55" * 30),
        (b"\xff" * MANY, b"\x55" * 30),
    ],
    ids=["zeros", "bytes", "stuffed bytes", "segments", "filling"],
)
def test_looking_for_stray_bytes_takes_time_in_proportion_to_the_file(in_header, filling, markers):
    """Half a million zeros or segments took an hour: each began anew with all the others."""
    data, started_s = saved("JPEG"), time.process_time()
    end = filling + b"\x11\xff\xd0" * markers + b"\xff\xd9"
    with pytest.raises(PictureError, match=r"damaged|header"):
        decode(data[:2] + in_header + data[2:-2] + end)
    assert time.process_time() - started_s < 2


@pytest.mark.parametrize("gap", [0, 1, 5, 30])
def test_only_as_many_bytes_are_left_out_as_every_restart_marker_has_before_it(gap):
    body = b"\xff\xda\x00\x02" + (b"\x55" * gap + b"\xff\xd1") * 4
    shorter = [re.subn(b"(?s).{%d}" % count + RESTART, b"", body) for count in range(1, 17)]
    expected = [body, *(left for left, removed in shorter if removed == 4), body]
    assert list(_stray_candidates(b"\xff\xd8" + body)) == [b"\xff\xd8" + x for x in expected]


@pytest.mark.parametrize("filling", [b"\xff\xe1\x00\x02", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
def test_a_header_that_takes_long_is_refused_unread(filling):
    """A server asks for the number of pixels between its answers to others."""
    data, started_s = saved("JPEG", comment=b"a note"), time.process_time()
    at = data.index(b"\xff\xdb")
    assert pixel_count(data[:at] + filling * 2000 + data[at:]) == RGB.shape[0] * RGB.shape[1]
    long = data[:at] + filling * 2_000_000 + data[at:]
    assert pixel_count(long) is None
    for read in (decode, lambda data: glance(data, 4)):
        with pytest.raises(PictureError, match="longer than any camera's"):
            read(long)
    assert time.process_time() - started_s < 1


@pytest.mark.parametrize(
    ("body", "without"),
    [
        (b"\x01\x00\x00\xff\xd3\x02", b"\x01\xff\xd3\x02"),
        (b"\xff\x00\x00\x00\xff\xd3", b"\xff\x00\xff\xd3"),
        (b"\xff\x00\xff\xd0\x00\x00\x02\xff\xd1", b"\xff\x00\xff\xd0\x00\x00\x02\xff\xd1"),
        (b"\x00\xff\xd7\x00\xff\xd0", b"\xff\xd7\xff\xd0"),
    ],
)
def test_zeros_before_a_restart_marker_go_but_for_that_behind_ff(body, without):
    assert _ZEROS.sub(b"", body) == without == re.sub(rb"(?<!\xff)\x00+" + RESTART, b"", body)


def test_zeros_that_fill_up_to_a_whole_word_are_a_camera():
    clean = saved("JPEG", Image.new("RGB", (64, 16), (10, 90, 200)), restart_marker_blocks=1)
    parts = re.split(RESTART, clean)
    filled = b"".join(part + bytes(-len(part) % 4) for part in parts[:-1]) + parts[-1]
    assert filled != clean
    np.testing.assert_array_equal(decode(filled), decode(clean))


@pytest.mark.parametrize("filling", [b"\x00\x00", b"\x12\x34\x56", b"\xff\xff\xff"])
def test_bytes_between_segments_of_the_header_belong_to_nothing(filling):
    clean = saved("JPEG", comment=b"a note")
    for at in (clean.index(b"\xff\xdb"), clean.index(b"\xff\xda")):
        np.testing.assert_array_equal(decode(clean[:at] + filling + clean[at:]), decode(clean))


def test_all_three_at_once_are_passed_over():
    clean, stray = camera(1)
    at = stray.index(b"\xff\xc0")
    stray = stray[:at] + b"\x00" + stray[at:-2] + b"\x07\x07" + stray[-2:]
    np.testing.assert_array_equal(decode(stray), decode(clean))


def test_bytes_left_over_in_one_interval_alone_are_damage():
    """As a flipped bit leaves them, in front of one restart marker and of the end."""
    clean, _ = camera(0)
    at = [m.start() for m in re.finditer(RESTART, clean)][3]
    for end in (b"", b"\x07\x07"):
        damaged = clean[:at] + b"\x35\x71" + clean[at:-2] + end + clean[-2:]
        with pytest.raises(PictureError, match="damaged"):
            decode(damaged)


def test_flipped_bits_pass_no_more_often_than_at_the_end_marker():
    """In restart intervals: what is passed over may not let a damaged picture through."""
    clean, _ = camera(0, quality=90)
    random = np.random.default_rng(1)
    start = clean.index(b"\xff\xda") + 14
    passed = 0
    for _ in range(300):
        damaged = bytearray(clean)
        damaged[random.integers(start, len(clean) - 2)] ^= 1 << int(random.integers(8))
        try:
            jpeg_pixels(bytes(damaged), (24, 36))
        except ValueError as error:
            if "before marker 0xd9" in str(error):
                continue
            try:
                decode(bytes(damaged))
                passed += 1
            except PictureError:
                pass
    assert passed == 0


def chunks(data):
    """Yields name and place of each chunk of a PNG."""
    at = 8
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at, end
        at = end


def with_chunk(data, name, body=b"ABCD", crc=0):
    """Puts a chunk behind the header, with a checksum that is wrong by default."""
    end = next(end for kind, _, end in chunks(data) if kind == b"IHDR")
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)
    return data[:end] + chunk + data[end:]


@pytest.mark.parametrize("name", [b"pHYs", b"tEXt", b"iCCP", b"eXIf", b"gAMA", b"tIME", b"acTL"])
def test_a_damaged_note_of_a_png_says_nothing_of_its_pixels(name):
    np.testing.assert_array_equal(decode(with_chunk(saved("PNG"), name)), RGB)
    twice = with_chunk(with_chunk(saved("PNG"), name), b"tEXt")
    np.testing.assert_array_equal(decode(twice), RGB)


@pytest.mark.parametrize("name", [b"tRNS", b"iDAT", b"pLTE", b"tRNR", b"abcd"])
def test_a_damaged_chunk_that_may_hold_pixels_is_damage(name):
    with pytest.raises(PictureError, match=f"wrong checksum of its {name.decode()} part"):
        decode(with_chunk(saved("PNG"), name))


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"IEND"])
def test_a_wrong_checksum_of_pixels_is_damage(name):
    image = Image.fromarray(RGB).quantize(16)
    data = bytearray(saved("PNG", image, transparency=3))
    end = next(end for kind, _, end in chunks(data) if kind == name)
    data[end - 1] ^= 1
    with pytest.raises(PictureError, match=f"wrong checksum of its {name.decode()} part"):
        decode(bytes(data))


@pytest.mark.parametrize("header", [40, 108, 124])
def test_a_fourth_byte_of_a_bmp_that_nobody_filled_is_no_transparency(header):
    picture = np.dstack([RGB[..., ::-1], np.zeros(RGB.shape[:2], np.uint8)])[::-1]
    np.testing.assert_array_equal(decode(bmp(picture, header)), RGB)


def test_the_alpha_of_a_bmp_is_laid_on_black():
    alpha = np.zeros(RGB.shape[:2], np.uint8)
    alpha[:, :10] = 255
    picture = np.dstack([RGB[..., ::-1], alpha])[::-1]
    expected = np.where(alpha[..., None] > 0, RGB, 0)
    np.testing.assert_array_equal(decode(bmp(picture, 124)), expected)


def bmp(bgra, header):
    """A 32-bit BMP with a header of 40 bytes, or of version 4 or 5 with an alpha mask."""
    height, width, _ = bgra.shape
    masks = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", header, width, height, 1, 32, 3 if header > 40 else 0,
                       bgra.nbytes, 2835, 2835, 0, 0)  # fmt: skip
    if header > 40:
        info += struct.pack("<4I", *masks)
    info = info.ljust(header, b"\0")
    start = 14 + header
    return struct.pack("<2sIHHI", b"BM", start + bgra.nbytes, 0, 0, start) + info + bgra.tobytes()


def test_a_pointer_of_git_lfs_says_what_fetches_the_picture():
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    with pytest.raises(PictureError) as error:
        decode(pointer)
    assert "Git LFS" in error.value.found and "git lfs pull" in error.value.fix


FEW = 24 * 36 // 4


def test_a_large_jpeg_is_unpacked_at_a_part_of_its_size():
    seen = glance(saved("JPEG"), 1000, FEW)
    assert seen.rgb.shape == (12, 18, 3) and (seen.width, seen.height) == (36, 24)
    assert decode(saved("JPEG"), FEW).shape == (12, 18, 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved("JPEG", progressive=True), id="held whole in memory"),
        pytest.param(saved("PNG"), id="no part of its size"),
        pytest.param(saved("JPEG", Image.new("RGB", (37, 24))), id="too large for a JPEG"),
    ],
)
def test_what_cannot_be_unpacked_in_part_is_refused(data):
    with pytest.raises(PictureError, match="at most"):
        decode(data, FEW)


def test_the_limits_lie_above_what_phones_sell():
    for width, height in ((8192, 6144), (8160, 6144)):
        assert width * height <= MAX_PIXELS
    for width, height in ((12000, 9000), (16320, 12240)):
        assert width * height <= 4 * MAX_PIXELS
