"""Round cones → depth, normals and parts per pixel.

The front of a round cone seen along z is the highest of the spheres that sweep it:

    z(x, y) = max over t in [0, 1] of  z0 + dz t + sqrt((r0 + dr t)² - |p - a - d t|²)

The root's argument S(t) = A + 2Bt + Ct² is a parabola, so the best t is found in closed form; the
normal is that of the best sphere. No mesh, no ray marching: a hand is some forty such patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.arrays import Floats

FAR = -1.0e4
"""Depth where nothing was drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """Cones as the camera sees them: pixels, y down, z towards the viewer; n rows each.

    `pads` (n, 3) is the unit direction in which the palm side of each cone faces.
    """

    ends: Floats
    radii: Floats
    melt: Floats
    part: Floats
    pads: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """What is visible, arrays (h, w): `depth` in px, `normal` (3, h, w), `part` -1 for nothing.

    `facing` in [-1, 1] is 1 on the palm side and -1 on the back; `along` is the share of the way
    from a cone's first to its second end; `cover` in [0, 1] is the soft silhouette.
    """

    depth: Floats
    normal: Floats
    facing: Floats
    part: Floats
    along: Floats
    cover: Floats


def rasterise(cones: Projected, height_px: int, width_px: int) -> Surface:
    """Draws all cones; later cones melt into the earlier ones where they are nearly as high."""
    shape = (height_px, width_px)
    surface = Surface(
        depth=np.full(shape, FAR, np.float32),
        normal=np.zeros((3, *shape), np.float32),
        facing=np.zeros(shape, np.float32),
        part=np.full(shape, -1, np.int8),
        along=np.zeros(shape, np.float32),
        cover=np.zeros(shape, np.float32),
    )
    for i in range(len(cones.part)):
        _draw(surface, cones, i)
    return surface


def _window(ends: Floats, radii: Floats, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    low = np.floor((ends[:, :2] - radii[:, None]).min(axis=0)).astype(int) - 1
    high = np.ceil((ends[:, :2] + radii[:, None]).max(axis=0)).astype(int) + 2
    x0, y0 = np.maximum(low, 0)
    return int(x0), int(y0), int(min(high[0], shape[1])), int(min(high[1], shape[0]))


def _draw(surface: Surface, cones: Projected, i: int) -> None:
    ends, radii, melt, part = cones.ends[i], cones.radii[i], cones.melt[i], cones.part[i]
    x0, y0, x1, y1 = _window(ends, radii, surface.depth.shape)
    if x0 >= x1 or y0 >= y1:
        return
    f = np.float32
    (ax, ay, az), (dx, dy, dz) = ends[0], ends[1] - ends[0]
    r0, dr = radii[0], radii[1] - radii[0]
    qx = np.arange(x0, x1, dtype=f)[None, :] - f(ax)
    qy = np.arange(y0, y1, dtype=f)[:, None] - f(ay)
    big_c = min(dr * dr - dx * dx - dy * dy, -1e-2)
    big_a = f(r0 * r0) - qx * qx - qy * qy
    big_b = qx * f(dx) + (qy * f(dy) + f(r0 * dr))
    crest = big_a - big_b * big_b * f(1 / big_c)
    shift = np.sqrt(np.maximum(crest, 0)) * f(dz / np.sqrt(1 - dz * dz / big_c))
    t = np.clip((shift + big_b) * f(-1 / big_c), 0, 1)
    root2 = big_a + (2 * big_b + f(big_c) * t) * t
    inside = root2 > 0
    root = np.sqrt(np.maximum(root2, 0))
    z = np.where(inside, f(az) + f(dz) * t + root, f(3 * FAR))

    window = (slice(y0, y1), slice(x0, x1))
    old = surface.depth[window]
    gain = z - old
    weight = np.clip(gain * f(0.5 / melt) + f(0.5), 0, 1)
    surface.depth[window] = old + weight * gain + f(melt) * weight * (1 - weight)
    inverse = 1 / (f(r0) + f(dr) * t)
    toward = np.zeros_like(z)
    for axis, value in enumerate((qx - f(dx) * t, qy - f(dy) * t, root)):
        value = value * inverse
        toward += value * f(cones.pads[i, axis])
        normal = surface.normal[axis][window]
        normal += weight * (value - normal)
    facing = surface.facing[window]
    facing += weight * (toward - facing)
    wins = weight > 0.5
    np.copyto(surface.part[window], np.int8(part), where=wins)
    np.copyto(surface.along[window], t, where=wins)
    # Distance to the rim, to first order: S / (2 r); half a pixel either way is partly covered.
    edge = np.clip(root2 * inverse * f(0.5) + f(0.5), 0, 1)
    np.maximum(surface.cover[window], edge, out=surface.cover[window])
