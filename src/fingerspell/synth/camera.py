"""The camera: perspective projection, framing, and the degradations of lens, sensor and JPEG."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from fingerspell.images import decode, encode_jpeg
from fingerspell.synth.arrays import Bytes, Floats
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.skeleton import rotation
from fingerspell.synth.surface import Cones

FLIP = np.array([1.0, -1.0, 1.0])
"""The hand's y points up, the picture's down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """A pinhole: `turn` (3, 3) rotates the hand about `pivot` (mm), then it is `distance_mm` away.

    `scale` is pixels a mm at the pivot's distance, `centre_px` (x, y) where the pivot lands.
    """

    turn: Floats
    pivot: Floats
    distance_mm: float
    scale: float
    centre_px: tuple[float, float]

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Returns pixels (…, 3) with y down and z towards the viewer, and pixels a mm (…)."""
        seen = (points - self.pivot) @ self.turn.T
        zoom = self.scale * self.distance_mm / np.maximum(self.distance_mm - seen[..., 2], 60.0)
        x = self.centre_px[0] + seen[..., 0] * zoom
        y = self.centre_px[1] - seen[..., 1] * zoom
        return np.stack([x, y, seen[..., 2] * self.scale], axis=-1), zoom


def frame(
    cones: Cones,
    on_hand: Floats,
    turn: Floats,
    size_px: tuple[int, int],
    *,
    fill: float,
    offset: tuple[float, float],
    distance_mm: float,
) -> Camera:
    """Returns the camera that shows the hand at a share `fill` of the picture's smaller side.

    `on_hand` (n,) marks the cones that count; `offset` moves the hand's box from the middle, -1
    to 1 being from rim to rim of the room that is left (or that overflows).
    """
    height, width = size_px
    wanted = on_hand.astype(bool)
    pivot = cones.ends[wanted].reshape(-1, 3).mean(axis=0)
    unit = Camera(turn=turn, pivot=pivot, distance_mm=distance_mm, scale=1.0, centre_px=(0.0, 0.0))
    ends, zoom = unit.project(cones.ends[wanted])
    radii = (cones.radii[wanted] * zoom)[..., None]
    low = (ends[..., :2] - radii).min(axis=(0, 1))
    high = (ends[..., :2] + radii).max(axis=(0, 1))
    scale = fill * min(height, width) / float((high - low).max())
    room = np.array([width, height]) - (high - low) * scale
    middle = np.array([width, height]) / 2 + np.array(offset) * np.abs(room) / 2
    centre = middle - (low + high) / 2 * scale
    return replace(unit, scale=scale, centre_px=(float(centre[0]), float(centre[1])))


def see(cones: Cones, camera: Camera) -> Cones:
    """Projects cones to pixels; their radii grow with nearness as their places do."""
    ends, zoom = camera.project(cones.ends)
    pads = cones.pads @ camera.turn.T * FLIP
    melt = cones.melt * camera.scale
    return Cones(ends=ends, radii=cones.radii * zoom, melt=melt, part=cones.part, pads=pads)


def view_matrix(turn_deg: float, tilt_deg: float, lean_deg: float) -> Floats:
    """Turn brings the thumb side, tilt the fingertips to the viewer; lean is anticlockwise."""
    return rotation("z", lean_deg) @ rotation("x", tilt_deg) @ rotation("y", -turn_deg)


def expose(
    picture: Floats, rng: np.random.Generator, config: SynthConfig, grain_seed: int | None = None
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
