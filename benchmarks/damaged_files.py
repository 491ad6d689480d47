"""Damaged picture files of every kind, seeded: what cameras, downloads and jokers leave behind."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

SIDE_PX = 96
CLAIMED_PX = 60_000

Random = np.random.Generator
Damage = Callable[[bytes, Random], bytes]


def formats() -> dict[str, bytes]:
    """Returns one sound picture of every format, by suffix; HEIC where it can be written."""
    from fingerspell.synth import draw

    rgb = np.ascontiguousarray(draw("A", 1, (SIDE_PX, SIDE_PX)).rgb)
    image = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    sound = {
        ".jpg": saved(image, "JPEG", quality=90),
        ".exif.jpg": saved(image, "JPEG", quality=90, exif=exif),
        ".progressive.jpg": saved(image, "JPEG", quality=90, progressive=True),
        ".cmyk.jpg": saved(image.convert("CMYK"), "JPEG", quality=90),
        ".png": saved(image, "PNG"),
        ".alpha.png": saved(image.convert("RGBA"), "PNG"),
        ".palette.png": saved(image.quantize(64), "PNG"),
        ".webp": saved(image, "WEBP", quality=90),
        ".lossless.webp": saved(image, "WEBP", lossless=True),
        ".bmp": saved(image, "BMP"),
        ".gif": saved(image, "GIF"),
        ".tif": saved(image, "TIFF"),
        ".lzw.tif": saved(image, "TIFF", compression="tiff_lzw"),
        ".deflate.tif": saved(image, "TIFF", compression="tiff_deflate"),
        ".avif": saved(image, "AVIF"),
    }
    try:
        import pillow_heif
    except ImportError:
        return sound
    pillow_heif.register_heif_opener()
    return {**sound, ".heic": saved(image, "HEIF")}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def flip_bits(data: bytes, random: Random, most: int) -> bytes:
    """Flips 1 to `most` bits anywhere."""
    damaged = bytearray(data)
    for place in random.integers(0, len(data), int(random.integers(1, most + 1))):
        damaged[place] ^= 1 << int(random.integers(8))
    return bytes(damaged)


def flip_head(data: bytes, random: Random) -> bytes:
    """Flips a few bits where formats keep sizes, counts and offsets."""
    return flip_bits(data[:200], random, 6) + data[200:]


def cut(data: bytes, random: Random) -> bytes:
    """An interrupted download."""
    return data[: int(random.integers(1, len(data)))]


def zero_tail(data: bytes, random: Random) -> bytes:
    """A download that had its room reserved: the rest is zeros."""
    kept = int(random.integers(1, len(data)))
    return data[:kept] + bytes(len(data) - kept)


def hole(data: bytes, random: Random) -> bytes:
    """Some bytes in the middle went missing."""
    start = int(random.integers(0, len(data)))
    return data[:start] + data[start + int(random.integers(1, 400)) :]


def wrong_magic(data: bytes, random: Random) -> bytes:
    """The first bytes say something else."""
    return random.integers(0, 256, 12, dtype=np.uint8).tobytes() + data[12:]


def garbage_behind(data: bytes, random: Random) -> bytes:
    """Something was appended; the picture is whole."""
    return data + random.integers(0, 256, int(random.integers(1, 5000)), dtype=np.uint8).tobytes()


def nothing(_data: bytes, _random: Random) -> bytes:
    return b""


def text(_data: bytes, random: Random) -> bytes:
    """What a server answers instead of a picture."""
    answers = (b"<!DOCTYPE html><html>404</html>", b'{"error": "quota"}', b"%PDF-1.7 ", b"PK\3\4")
    return answers[int(random.integers(len(answers)))] * int(random.integers(1, 50))


def noise(_data: bytes, random: Random) -> bytes:
    return random.integers(0, 256, int(random.integers(1, 20_000)), dtype=np.uint8).tobytes()


def foreign_body(data: bytes, random: Random) -> bytes:
    """The head of the picture before noise."""
    head = data[: int(random.integers(4, min(600, len(data))))]
    return head + noise(data, random)


def broken_exif(data: bytes, random: Random) -> bytes:
    """A sound JPEG with a block of nonsense where its notes should be."""
    body = b"Exif\0\0" + random.integers(0, 256, 120, dtype=np.uint8).tobytes()
    picture = data if data.startswith(b"\xff\xd8") else formats_jpeg()
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + picture[2:]


def formats_jpeg() -> bytes:
    return saved(Image.new("RGB", (32, 32), (90, 120, 150)), "JPEG")


def bomb(_data: bytes, random: Random) -> bytes:
    """A few bytes that claim gigapixels, or that unpack to hundreds of megabytes."""
    makers = (png_size_bomb, png_text_bomb, gif_bomb, bmp_bomb, tiff_bomb, tiff_count_bomb)
    return makers[int(random.integers(len(makers)))]()


def png_size_bomb() -> bytes:
    return png((CLAIMED_PX, CLAIMED_PX), bytes(64))


def png_text_bomb() -> bytes:
    return png((1, 1), bytes(4), chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 9)))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(size: tuple[int, int], rows: bytes, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + rest


def gif_bomb() -> bytes:
    head = b"GIF89a" + struct.pack("<HH", 2, 2) + b"\x80\0\0" + bytes(6)
    frame = struct.pack("<HHHH", 0, 0, 65_535, 65_535)
    return head + b"," + frame + b"\0\x02\x02\x4c\x01\0;"


def bmp_bomb() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, CLAIMED_PX, CLAIMED_PX, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def tiff_bomb() -> bytes:
    return tiff(CLAIMED_PX, 1)


def tiff_count_bomb() -> bytes:
    return tiff(100, 0x0FFF_FFFF)


def tiff(side: int, strips: int) -> bytes:
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, strips, 200), (278, 4, 1, side), (279, 4, strips, 100)]
    body = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return body + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)


def vast(side: int) -> dict[str, bytes]:
    """Returns sound pictures of one colour, small as files and `side` × `side` once unpacked."""
    image = Image.new("RGBA", (side, side), (90, 120, 150, 200))
    return {
        ".png": saved(image, "PNG"),
        ".webp": saved(image, "WEBP", lossless=True, method=0),
        ".gif": saved(image.convert("RGB").quantize(4), "GIF"),
        ".tif": saved(image, "TIFF", compression="tiff_deflate"),
    }


DAMAGES: dict[str, Damage] = {
    "one bit": partial(flip_bits, most=1),
    "some bits": partial(flip_bits, most=30),
    "bits of the head": flip_head,
    "cut off": cut,
    "zeros to the end": zero_tail,
    "hole": hole,
    "wrong magic": wrong_magic,
    "garbage behind": garbage_behind,
    "empty": nothing,
    "text": text,
    "noise": noise,
    "foreign body": foreign_body,
    "broken EXIF": broken_exif,
    "bomb": bomb,
}


def write(folder: Path, count: int, seed: int = 0) -> list[tuple[Path, str]]:
    """Writes `count` damaged files; returns each one's path and damage.

    Kinds of damage and formats take turns; every third file has another format's suffix.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sound = list(formats().items())
    endings = [suffix.rsplit(".", 1)[1] for suffix, _ in sound]
    made = []
    for number in range(count):
        random = np.random.default_rng([seed, number])
        name, damage = list(DAMAGES.items())[number % len(DAMAGES)]
        suffix, data = sound[(number // len(DAMAGES)) % len(sound)]
        ending = endings[number % len(endings)] if number % 3 == 0 else suffix.rsplit(".", 1)[1]
        path = folder / f"damaged{number:05d}.{ending}"
        path.write_bytes(damage(data, random))
        made.append((path, name))
    return made
