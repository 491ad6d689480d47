"""What lens, sensor and file do to a picture: blur, colour cast, noise, low resolution, JPEG."""

from __future__ import annotations

import numpy as np

from fingerspell.images import decode, encode_jpeg
from fingerspell.synth.arrays import Bytes, Floats
from fingerspell.synth.config import SynthConfig


def expose(
    picture: Floats,
    rng: np.random.Generator,
    config: SynthConfig,
    grain_seed: int | None = None,
) -> Bytes:
    """Takes sRGB float32 (h, w, 3) in [0, 1] through a cheap camera; returns uint8.

    `grain_seed` gives a film's frames grain of their own while `rng` repeats the same lens.
    """
    picture = _blur(picture, rng, config)
    picture = _colours(picture, rng, config)
    if rng.random() < config.low_resolution_share:
        picture = _coarsen(picture, rng)
    if rng.random() < config.noise_share:
        picture = _grain(picture, rng, grain_seed)
    taken = np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_share:
        taken = _compress(taken, int(rng.integers(25, 85)))
    return taken


def _blur(picture: Floats, rng: np.random.Generator, config: SynthConfig) -> Floats:
    import cv2

    side = max(picture.shape)
    if rng.random() < config.defocus_share:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6) * side / 200)
    if rng.random() < config.motion_blur_share:
        length = int(rng.uniform(3, 11) * side / 200) | 1
        kernel: Floats = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1
        middle = (length // 2, length // 2)
        turn = cv2.getRotationMatrix2D(middle, rng.uniform(0, 180), 1)
        kernel = cv2.warpAffine(kernel, turn, (length, length))
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    return picture


def _colours(picture: Floats, rng: np.random.Generator, config: SynthConfig) -> Floats:
    f = np.float32
    gain = np.exp(rng.normal(0, 0.04, 3)) * np.exp(rng.normal(0, 0.12))
    contrast, lift = np.exp(rng.normal(0, 0.13)), rng.normal(0, 0.03)
    out: Floats = (picture * gain.astype(f) - f(0.45)) * f(contrast) + f(0.45 + lift)
    if rng.random() < 0.3:
        haze = rng.uniform(0.03, 0.2)
        out = out * f(1 - haze) + f(haze * rng.uniform(0.5, 1.0))
    if rng.random() < config.grey_share:
        out = np.repeat(out.mean(axis=2, keepdims=True), 3, axis=2)
    return np.clip(out, 0, 1)


def _coarsen(picture: Floats, rng: np.random.Generator) -> Floats:
    import cv2

    height, width = picture.shape[:2]
    share = rng.uniform(0.3, 0.75)
    size = (max(int(width * share), 16), max(int(height * share), 16))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    large: Floats = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return large


def _grain(picture: Floats, rng: np.random.Generator, seed: int | None) -> Floats:
    sigma = np.float32(rng.gamma(1.5, 0.010))
    rng = rng if seed is None else np.random.default_rng(seed)
    grain: Floats = rng.standard_normal(picture.shape, dtype=np.float32) * sigma
    return picture + grain * (np.float32(0.5) + picture)


def _compress(picture: Bytes, quality: int) -> Bytes:
    return decode(encode_jpeg(np.ascontiguousarray(picture), quality=quality))
