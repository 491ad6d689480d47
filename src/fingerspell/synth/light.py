"""Shading of skin: key light, ambient light, and shadows and occlusion from the depth map."""

from dataclasses import dataclass

import cv2
import numpy as np

from fingerspell.synth.arrays import Floats
from fingerspell.synth.surface import FAR

_WRAP = np.array([0.34, 0.20, 0.16])
"""How far light creeps round an edge through skin, red furthest."""
_BOUNCE = np.array([0.7, 0.3, 0.25])
_SHADOW_STEPS_MM = (2.0, 4.0, 7.0, 11.0, 17.0, 26.0, 38.0)
_HOLLOW_MM = (3.0, 9.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """`towards` (3,) is the unit direction to the lamp: x right, y down, z to the viewer.

    `key`, `sky`, `ground` are linear RGB (3,); `softness` in mm blurs the shadow's edge.
    """

    towards: Floats
    key: Floats
    sky: Floats
    ground: Floats
    softness: float
    exposure: float


def sample_light(rng: np.random.Generator, back_light: bool) -> Light:
    """Draws a lamp anywhere in front or above; behind the hand where `back_light`."""
    azimuth = rng.uniform(-np.pi, np.pi)
    height = rng.uniform(-0.25, 0.1) if back_light else rng.uniform(0.15, 1.0)
    flat = np.sqrt(1 - height**2)
    up = -abs(np.sin(azimuth)) if rng.random() < 0.75 else np.sin(azimuth)
    towards = np.array([flat * np.cos(azimuth), flat * up, height])
    warm = rng.normal(0.02, 0.1)
    key = np.array([1 + warm, 1.0, 1 - warm]) * rng.uniform(0.4, 1.5)
    tint = rng.normal(0.01, 0.06)
    ambient = np.array([1 + tint, 1.0, 1 - tint]) * rng.uniform(0.25, 0.75)
    return Light(
        towards=towards / np.linalg.norm(towards),
        key=key,
        sky=ambient,
        ground=ambient * rng.uniform(0.45, 0.95),
        softness=float(rng.uniform(2, 9)),
        exposure=float(np.exp(rng.normal(-1.3 if back_light else -0.35, 0.35))),
    )


def hollows(depth: Floats, scale: float) -> Floats:
    """Ambient occlusion (h, w) in [0, 1]: 1 open, lower where the surroundings stand higher."""
    covered = (depth > FAR / 2).astype(np.float32)
    level = depth * covered
    open_ = np.ones_like(depth)
    for radius_mm in _HOLLOW_MM:
        side = int(2 * round(0.8 * max(radius_mm * scale, 0.8)) + 1)
        weight = cv2.blur(cv2.blur(covered, (side, side)), (side, side))
        mean = cv2.blur(cv2.blur(level, (side, side)), (side, side)) / np.maximum(weight, 1e-3)
        open_ *= 1 - np.clip((mean - depth) * np.float32(0.28 / (radius_mm * scale)), 0, 0.6)
    return open_


def shadows(depth: Floats, light: Light, scale: float) -> Floats:
    """Lit share (h, w) in [0, 1] by walking from each pixel towards the lamp over the depth map."""
    lx, ly, lz = light.towards
    flat = max(float(np.hypot(lx, ly)), 1e-3)
    height, width = depth.shape
    dark = np.zeros_like(depth)
    for step_mm in _SHADOW_STEPS_MM:
        reach = step_mm * scale
        dx, dy = round(lx / flat * reach), round(ly / flat * reach)
        here = (slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(max(dy, 0), height - max(-dy, 0)), slice(max(dx, 0), width - max(-dx, 0)))
        soft = (light.softness * 0.5 + step_mm * 0.25) * scale
        over = depth[there] - depth[here]
        over -= np.float32(reach * lz / flat)
        over *= np.float32(1 / soft)
        np.maximum(dark[here], over, out=dark[here])
    covered = depth > FAR / 2
    dark = np.minimum(dark, 1) * covered
    sigma = max(0.25 * light.softness * scale, 0.8)
    weight = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), sigma)
    lit: Floats = 1 - cv2.GaussianBlur(dark, (0, 0), sigma) / np.maximum(weight, 1e-3)
    return lit


def shade(
    normal: Floats, albedo: Floats, gloss: Floats, open_: Floats, lit: Floats, light: Light
) -> Floats:
    """Returns linear RGB (3, n) of n pixels: Lambert wrapped round the edge, ambient, highlight."""
    f = np.float32
    toward = light.towards.astype(f)
    facing = toward @ normal
    wrap = _WRAP.astype(f)[:, None]
    lambert = np.clip((facing + wrap) / (1 + wrap), 0, 1)
    # Where a shadow falls, red still creeps in a little.
    through = lit + (1 - lit) * (wrap * f(0.35))
    upward = (f(0.5) - f(0.5) * normal[1]) * f(0.8) + f(0.2)
    sky, ground = light.sky.astype(f)[:, None], light.ground.astype(f)[:, None]
    # In a fold light bounces from skin to skin and comes out red, not grey.
    open_ = open_ + _BOUNCE.astype(f)[:, None] * open_ * (1 - open_)
    ambient = (ground + (sky - ground) * upward) * open_
    glow = albedo * (ambient + light.key.astype(f)[:, None] * lambert * through * np.sqrt(open_))
    half = toward + np.array([0, 0, 1], f)
    half /= max(float(np.linalg.norm(half)), 1e-3)
    shine = np.clip(half @ normal, 0, 1) ** 18 * gloss * lit * np.clip(facing * 3, 0, 1) * f(0.10)
    rgb = (glow + light.key.astype(f)[:, None] * shine) * f(light.exposure)
    # A camera's shoulder: highlights flatten instead of clipping.
    toned: Floats = rgb / (1 + np.maximum(rgb - f(0.35), 0) * f(0.9))
    return toned
