"""Writes `examples/flutter/test/pixels.json`: camera frames and what Python makes of them.

    python tests/flutter/make_vectors.py

`frames`: a frame as Android (three planes) or iOS (one) gives it, each plane as [bytes in base64,
bytes a row, bytes a pixel], and the network input `pixels` that it becomes. `motion`: two pictures,
RGB in base64, and how much the second differs from the first.
"""

import base64
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from fingerspell import images
from fingerspell.images import Pixels
from fingerspell.runtime.motion import motion, thumbnail

FILE = Path(__file__).resolve().parents[2] / "examples" / "flutter" / "test" / "pixels.json"
KINDS = ("planar", "interleaved", "bgra")
SIZES = ((5, 5), (4, 6), (13, 13))
DIGITS = 7


def planes_of(kind: str, rng: np.random.Generator, height: int, width: int) -> list[Any]:
    """Returns planes with padded rows as (bytes, bytes a row, bytes a pixel)."""
    if kind == "bgra":
        return [(rng.integers(0, 256, height * (4 * width + 8), np.uint8), 4 * width + 8, 4)]
    luma = rng.integers(0, 256, height * (width + 3), np.uint8)
    half_h, half_w = (height + 1) // 2, (width + 1) // 2
    step = 2 if kind == "interleaved" else 1
    chroma = rng.integers(0, 256, half_h * (step * half_w + 5) + 1, np.uint8)
    other = rng.integers(0, 256, chroma.shape, np.uint8)
    if kind == "interleaved":  # U and V are one plane, a byte apart, as most phones give them.
        chroma, other = chroma[:-1], chroma[1:]
    return [
        (luma, width + 3, 1),
        (chroma, step * half_w + 5, step),
        (other, step * half_w + 5, step),
    ]


def rgb_of(planes: list[Any], height: int, width: int) -> Pixels:
    """Returns uint8 (height, width, 3) of the planes: BGRA, or YUV of full range (BT.601)."""
    y, x = np.mgrid[:height, :width]
    first, row, step = planes[0]
    if len(planes) == 1:
        return np.stack([first[y * row + x * step + c] for c in (2, 1, 0)], 2)
    luma = first[y * row + x].astype(float)
    u, v = (p[y // 2 * r + x // 2 * s].astype(float) - 128 for p, r, s in planes[1:])
    rgb = np.stack([luma + 1.402 * v, luma - 0.344136 * u - 0.714136 * v, luma + 1.772 * u], 2)
    return np.clip(np.floor(rgb + 0.5), 0, 255).astype(np.uint8)


def upright(
    rgb: Pixels, turns: int, mirrored: bool, crop: bool, size_px: tuple[int, int]
) -> Pixels:
    """Returns the picture as the network sees it, before it is scaled."""
    rgb = np.rot90(rgb, -turns)
    rgb = rgb[:, ::-1] if mirrored else rgb
    high, wide = rgb.shape[:2]
    if not crop:
        return np.ascontiguousarray(rgb)
    height = min(high, wide * size_px[0] // size_px[1])
    width = min(wide, high * size_px[1] // size_px[0])
    top, left = (high - height) // 2, (wide - width) // 2
    return np.ascontiguousarray(rgb[top : top + height, left : left + width])


def frames(rng: np.random.Generator) -> list[dict[str, Any]]:
    made = []
    for number, (kind, turns) in enumerate(itertools.product(KINDS, range(4))):
        height, width = ((12, 9), (8, 11), (7, 7))[number % 3]
        mirrored, crop = number % 5 == 1, number % 4 != 2
        size_px, planes = SIZES[number // 2 % 3], planes_of(kind, rng, height, width)
        rgb = upright(rgb_of(planes, height, width), turns, mirrored, crop, size_px)
        made.append({
            "name": f"{kind}, {turns} turns", "width": width, "height": height, "turns": turns,
            "mirrored": mirrored, "crop": crop, "size_px": list(size_px),
            "planes": [[packed(p), row, step] for p, row, step in planes],
            "pixels": np.round(images.fit(rgb, size_px).astype(float), DIGITS).ravel().tolist(),
        })  # fmt: skip
    return made


def motions(rng: np.random.Generator) -> list[dict[str, Any]]:
    made = []
    for height, width in ((40, 40), (45, 50)):
        pictures = rng.integers(0, 256, (2, height, width, 3), np.uint8)
        change = motion(*map(thumbnail, pictures))
        made.append({"size_px": [height, width], "pictures": [*map(packed, pictures)],
                     "motion": change and round(change, DIGITS)})  # fmt: skip
    return made


def packed(pixels: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()


def made() -> dict[str, Any]:
    rng = np.random.default_rng(27)
    return {"frames": frames(rng), "motion": motions(rng)}


def written(body: dict[str, Any]) -> str:
    text = json.dumps(body, separators=(",", ":"))
    return text.replace('{"name"', '\n{"name"').replace('{"size_px"', '\n{"size_px"') + "\n"


if __name__ == "__main__":
    FILE.write_text(written(made()), encoding="utf-8", newline="\n")
