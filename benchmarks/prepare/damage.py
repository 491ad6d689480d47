"""What `fingerspell prepare` makes of thousands of damaged files among some good ones.

    python benchmarks/prepare/damage.py [--files 2000]

Every file must end either in the data set, and then really decode, or in report.json with a
reason; the program must not crash, and its memory must stay bounded. Saves
`benchmarks/results/prepare_damage.json`.
"""

import argparse
import io
import json
import shutil
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.measured import measured
from benchmarks.prepare import tables
from benchmarks.prepare.speed import SOURCE_PATH

GOOD_A_CLASS = 40
CLASSES = ("A", "B", "C")
VAST_PX = 7_000
"""Side of the largest square pictures that are still unpacked: 49 million pixels."""

MOST_BYTES = 1_500_000_000

SIDE_PX = 96
CLAIMED_PX = 60_000

Random = np.random.Generator
Damage = Callable[[bytes, Random], bytes]


def measure(files: int, work: Path, vast_px: int = VAST_PX) -> dict[str, Any]:
    """Makes the files, runs `prepare` on them in a process of its own, and reads its report."""
    shutil.rmtree(work, ignore_errors=True)
    folder, output = work / "pictures", work / "dataset"
    good = write_good(folder)
    made: dict[Path, str] = {}
    for place, label in enumerate(CLASSES):
        count = files // len(CLASSES) + (place < files % len(CLASSES))
        made.update(write_damaged(folder / label, count, seed=place))
    for suffix, data in vast(vast_px).items():
        path = folder / CLASSES[0] / f"vast{suffix}"
        path.write_bytes(data)
        made[path] = "vast, but whole"
    command = [sys.executable, "-m", "fingerspell", "prepare", "--max_bad", "1"]
    command += ["--input_dir", str(folder), "--output_dir", str(output)]
    run = measured(command, work / "prepare", SOURCE_PATH)
    figures = {
        "files": len(made),
        "good_files": len(good),
        "exit_status": run.returncode,
        "crashed": run.returncode < 0 or not (output / "report.json").is_file(),
        "wall_s": run.wall_s,
        "peak_bytes": run.peak_bytes,
        "most_bytes": MOST_BYTES,
    }
    if figures["crashed"]:
        return figures
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    return {**figures, **accounted(report, good, made)}


def write_good(folder: Path) -> set[Path]:
    """Writes sound synthetic pictures of three classes."""
    from fingerspell.synth import draw
    from fingerspell.synth.dataset import encode

    for label in CLASSES:
        (folder / label).mkdir(parents=True)
        for seed in range(GOOD_A_CLASS):
            picture = encode(draw(label, seed, (96, 96)))
            (folder / label / f"good{seed:03d}.jpg").write_bytes(picture)
    return set(folder.glob("*/good*.jpg"))


def accounted(report: dict[str, Any], good: set[Path], made: dict[Path, str]) -> dict[str, Any]:
    """Holds the report against what `images.read` says of every file on its own."""
    listed = {Path(entry["path"]): str(entry["reason"]) for entry in report["bad"]}
    refused = {path for path in made if not decodes(path)}
    accepted = set(made) - refused
    total, bad = Counter(made.values()), Counter(made[path] for path in refused)
    return {
        "listed": len(set(made) & set(listed)),
        "accepted": len(accepted),
        "undecodable_but_not_listed": len(refused - set(listed)),
        "decodable_but_listed": len(accepted & set(listed)),
        "without_reason": sum(not reason for reason in listed.values()),
        "good_listed": len(good & set(listed)),
        "pictures": report["pictures"],
        "by_damage": {how: {"files": total[how], "refused": bad[how]} for how in total},
    }


def decodes(path: Path) -> bool:
    """Whether the house's own reader takes a file."""
    from fingerspell.errors import PictureError
    from fingerspell.images import read

    try:
        return read(path).shape[2] == 3
    except PictureError:
        return False


def sound(figures: dict[str, Any]) -> bool:
    """Whether everything held that must hold."""
    wrong = ("undecodable_but_not_listed", "decodable_but_listed", "without_reason", "good_listed")
    within = not figures["crashed"] and figures["peak_bytes"] < MOST_BYTES
    return within and not any(figures[key] for key in wrong)


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


def noise(random: Random, most: int = 20_000) -> bytes:
    return random.integers(0, 256, int(random.integers(1, most)), dtype=np.uint8).tobytes()


def cut(data: bytes, random: Random) -> bytes:
    return data[: int(random.integers(1, len(data)))]


def hole(data: bytes, random: Random) -> bytes:
    """Some bytes in the middle went missing."""
    start = int(random.integers(0, len(data)))
    return data[:start] + data[start + int(random.integers(1, 400)) :]


def broken_exif(data: bytes, random: Random) -> bytes:
    """A sound JPEG with a block of nonsense where its notes should be."""
    body = b"Exif\0\0" + random.integers(0, 256, 120, dtype=np.uint8).tobytes()
    plain = saved(Image.new("RGB", (32, 32), (90, 120, 150)), "JPEG")
    picture = data if data.startswith(b"\xff\xd8") else plain
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + picture[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(side: int, rows: bytes, *more: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + rest


def png_text_bomb() -> bytes:
    return png(1, bytes(4), chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000), 9)))


def gif_bomb() -> bytes:
    head = b"GIF89a" + struct.pack("<HH", 2, 2) + b"\x80\0\0" + bytes(6)
    frame = struct.pack("<HHHH", 0, 0, 65_535, 65_535)
    return head + b"," + frame + b"\0\x02\x02\x4c\x01\0;"


def bmp_bomb() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, CLAIMED_PX, CLAIMED_PX, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def tiff_bomb(side: int, strips: int) -> bytes:
    tags = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, strips, 200), (278, 4, 1, side), (279, 4, strips, 100)]
    body = b"II*\0" + struct.pack("<IH", 8, len(tags))
    return body + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)


BOMBS = (
    partial(png, CLAIMED_PX, bytes(64)), png_text_bomb, gif_bomb, bmp_bomb,
    partial(tiff_bomb, CLAIMED_PX, 1), partial(tiff_bomb, 100, 0x0FFF_FFFF),
)  # fmt: skip
"""A few bytes that claim gigapixels, or that unpack to hundreds of megabytes."""

ANSWERS = (b"<!DOCTYPE html><html>404</html>", b'{"error": "quota"}', b"%PDF-1.7 ", b"PK\3\4")
"""What a server sends instead of a picture."""


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
    "bits of the head": lambda data, r: flip_bits(data[:200], r, 6) + data[200:],
    "cut off": cut,
    "zeros to the end": lambda data, r: cut(data, r).ljust(len(data), b"\0"),
    "hole": hole,
    "wrong magic": lambda data, r: r.integers(0, 256, 12, dtype=np.uint8).tobytes() + data[12:],
    "garbage behind": lambda data, r: data + noise(r, 5000),
    "empty": lambda _data, _r: b"",
    "text": lambda _data, r: ANSWERS[int(r.integers(len(ANSWERS)))] * int(r.integers(1, 50)),
    "noise": lambda _data, r: noise(r),
    "foreign body": lambda data, r: data[: int(r.integers(4, min(600, len(data))))] + noise(r),
    "broken EXIF": broken_exif,
    "bomb": lambda _data, r: BOMBS[int(r.integers(len(BOMBS)))](),
}


def write_damaged(folder: Path, count: int, seed: int = 0) -> list[tuple[Path, str]]:
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


def main(argv: list[str] | None = None) -> int:
    """Measures, saves the JSON, prints the table; 1 where something did not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--work", type=Path, default=Path("build/prepare_damage"))
    args = parser.parse_args(argv)
    figures = measure(args.files, args.work.resolve())
    record("prepare_damage", "prepare/damage", argv, figures)
    print("CRASHED" if figures["crashed"] else "\n".join(tables.damage()))
    return 0 if sound(figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
