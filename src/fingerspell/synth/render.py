"""Renders one hand in front of one scene: cones → surface → light → picture."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from fingerspell.synth.anatomy import Build
from fingerspell.synth.arrays import GAMMA, Flags, Floats
from fingerspell.synth.camera import FLIP, Camera, see
from fingerspell.synth.light import Light, hollows, shade, shadows
from fingerspell.synth.skeleton import Skeleton
from fingerspell.synth.skin import Look, Patch, paint
from fingerspell.synth.surface import ARM_MM, PALM, Surface, clothe, rasterise

_STEPS = 4096
_TO_SRGB = (np.linspace(0, 1, _STEPS + 1) ** (1 / GAMMA)).astype(np.float32)
_FINE = 1.5
_FINE_UP_TO_PX = 320
"""Small pictures are drawn larger by FINE and averaged down, so that finger outlines are smooth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everything of a picture that a movement does not change.

    `scene` is sRGB float32 (h, w, 3); `wall_shadow` in [0, 1] how dark the hand's shadow is on it.
    """

    build: Build
    look: Look
    light: Light
    scene: Floats
    left: bool = False
    sleeve_mm: float | None = None
    wall_shadow: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """`picture` sRGB float32 (h, w, 3), `landmarks` (21, 2) px, `mask` (h, w), `box` x0 y0 x1 y1"""

    picture: Floats
    landmarks: Floats
    mask: Flags
    box: tuple[int, int, int, int]


def render(cast: Cast, skeleton: Skeleton, camera: Camera) -> Rendered:
    """Draws the hand over the scene."""
    height, width = cast.scene.shape[:2]
    fine = _FINE if max(height, width) <= _FINE_UP_TO_PX else 1.0
    x, y = camera.centre_px
    near = replace(camera, scale=camera.scale * fine, centre_px=(x * fine, y * fine))
    cones = see(clothe(skeleton, cast.build, cast.sleeve_mm), near)
    surface = rasterise(cones, round(height * fine), round(width * fine))
    layer = _light_up(surface, skeleton, near, cast)
    layer = cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA)
    fine_hand = ((surface.part >= 0) & (surface.part <= PALM)).astype(np.float32)
    on_hand = np.array(cv2.resize(fine_hand, (width, height), interpolation=cv2.INTER_AREA) > 0.5)
    landmarks = camera.project(skeleton.landmarks)[0][:, :2]
    if cast.left:
        layer, on_hand = layer[:, ::-1], on_hand[:, ::-1]
        landmarks = np.stack([width - landmarks[:, 0], landmarks[:, 1]], axis=1)
    cover = layer[..., 3:]
    scene = cast.scene
    if cast.wall_shadow > 0:
        scene = scene * (1 - cast.wall_shadow * _cast_shadow(cover, cast.light, camera.scale))
    return Rendered(
        picture=scene * (1 - cover) + layer[..., :3],
        landmarks=landmarks,
        mask=cover[..., 0] > 0.5,
        box=_box(on_hand),
    )


def _light_up(surface: Surface, skeleton: Skeleton, camera: Camera, cast: Cast) -> Floats:
    """Returns sRGB (h, w, 4) float32, premultiplied with the silhouette."""
    shape = surface.part.shape
    layer = np.zeros((*shape, 4), np.float32)
    covered = np.nonzero(surface.part.ravel() >= 0)[0]
    if covered.size == 0:
        return layer
    patch = _patch(surface, covered, skeleton, camera)
    albedo, gloss = paint(patch, cast.look)
    open_ = hollows(surface.depth, camera.scale).ravel()[covered]
    lit = shadows(surface.depth, cast.light, camera.scale).ravel()[covered]
    linear = shade(patch.normal, albedo, gloss, open_, lit, cast.light)
    levels = np.clip(linear * _STEPS, 0, _STEPS).astype(np.uint16)
    cover = surface.cover.ravel()[covered]
    flat = layer.reshape(-1, 4)
    flat[covered, :3] = _TO_SRGB[levels].T * cover[:, None]
    flat[covered, 3] = cover
    return layer


def _patch(surface: Surface, covered: Floats, skeleton: Skeleton, camera: Camera) -> Patch:
    width = surface.part.shape[1]
    normal = surface.normal.reshape(3, -1)[:, covered]
    normal = normal / np.maximum(np.sqrt((normal * normal).sum(axis=0)), np.float32(1e-6))
    x = (covered % width).astype(np.float32) - np.float32(camera.centre_px[0])
    y = (covered // width).astype(np.float32) - np.float32(camera.centre_px[1])
    seen = np.stack([x, -y, surface.depth.ravel()[covered]]) * np.float32(1 / camera.scale)
    spot = camera.turn.T.astype(np.float32) @ seen + camera.pivot.astype(np.float32)[:, None]
    bones = np.diff(skeleton.digits, axis=1).reshape(15, 3)
    lengths = np.linalg.norm(bones, axis=1)
    bones = np.vstack([bones / lengths[:, None], [[0, 1, 0]], skeleton.arm[None]])
    pads = np.vstack([skeleton.pads.reshape(15, 3), [[0, 0, 1]], skeleton.arm_pad[None]])
    sides = np.cross(bones, pads) @ camera.turn.T * FLIP
    return Patch(
        normal=normal,
        part=surface.part.ravel()[covered].astype(np.intp),
        along=surface.along.ravel()[covered],
        spot=spot,
        facing=surface.facing.ravel()[covered],
        sides=np.vstack([sides, np.zeros(3)]).astype(np.float32),
        lengths=np.append(lengths, [90, ARM_MM, ARM_MM]).astype(np.float32),
    )


def _cast_shadow(cover: Floats, light: Light, scale: float) -> Floats:
    """The hand's soft shadow on a wall some centimetres behind it, (h, w, 1)."""
    height, width = cover.shape[:2]
    away = 45 * scale
    move = np.array(
        [[1, 0, -light.towards[0] * away], [0, 1, -light.towards[1] * away]], np.float32
    )
    moved = cv2.warpAffine(np.ascontiguousarray(cover[..., 0]), move, (width, height))
    soft: Floats = cv2.GaussianBlur(moved, (0, 0), max(light.softness * scale, 1.0))
    return soft[..., None]


def _box(on_hand: Flags) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(on_hand.any(axis=1))[0], np.nonzero(on_hand.any(axis=0))[0]
    if rows.size == 0:
        return (0, 0, 0, 0)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
