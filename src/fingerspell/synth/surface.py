"""Surface of the hand: round cones over the skeleton, rasterised to depth, normals and parts.

The front of a round cone seen along z is the highest of the spheres that sweep it:

    z(x, y) = max over t in [0, 1] of  z0 + dz t + sqrt((r0 + dr t)² - |p - a - d t|²)

The root's argument S(t) = A + 2Bt + Ct² is a parabola, so the best t is found in closed form; the
normal is that of the best sphere. No mesh, no ray marching: a hand is some forty such patches.
"""

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.anatomy import Build
from fingerspell.synth.arrays import Floats
from fingerspell.synth.skeleton import Skeleton, cores

PALM, ARM, SLEEVE = 15, 16, 17
"""Parts 0-14 are the bones of the digits, three each, thumb first; PARTS counts all."""

_PARTS = 18

ARM_MM = 540.0
"""Beyond the elbow and out of every picture, so that no arm ends in a stump."""

FAR = -1.0e4
"""Depth where nothing was drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cones:
    """n round cones: `ends` (n, 2, 3), `radii` (n, 2), `melt` (n,), `part` (n,); lengths in mm.

    `pads` (n, 3) is where the palm side of each cone faces. As a camera sees them, lengths are
    pixels, y points down and z towards the viewer.
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


def clothe(skeleton: Skeleton, build: Build, sleeve_mm: float | None = None) -> Cones:
    """Returns the cones of a hand and forearm; a sleeve begins `sleeve_mm` below the wrist."""
    heap = _Heap()
    _arm(heap, skeleton, build, sleeve_mm)
    _palm(heap, skeleton, build)
    _webs(heap, skeleton, build)
    digits = cores(skeleton.digits, build.radii[:, 3])
    for digit in range(5):
        _digit(heap, digits[digit], build.radii[digit], digit)
    return heap.cones(skeleton)


def rasterise(cones: Cones, height_px: int, width_px: int) -> Surface:
    """Draws cones in pixels; later ones melt into earlier ones where they are nearly as high."""
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


class _Heap:
    """Collects cones."""

    def __init__(self) -> None:
        self.rows: list[tuple[Floats, Floats, float, float, float, int]] = []

    def add(self, a: Floats, b: Floats, r_a: float, r_b: float, melt: float, part: int) -> None:
        self.rows.append((a, b, r_a, r_b, melt, part))

    def cones(self, skeleton: Skeleton) -> Cones:
        part = np.array([row[5] for row in self.rows])
        pads = np.vstack([skeleton.pads.reshape(15, 3), [0, 0, 1], *[skeleton.arm_pad] * 2])
        return Cones(
            ends=np.array([(row[0], row[1]) for row in self.rows]),
            radii=np.array([(row[2], row[3]) for row in self.rows]),
            melt=np.array([row[4] for row in self.rows]),
            part=part,
            pads=pads[part],
        )


def _arm(heap: _Heap, skeleton: Skeleton, build: Build, sleeve_mm: float | None) -> None:
    b = build.breadth
    across = np.cross(skeleton.arm_pad, skeleton.arm)
    across = across / np.linalg.norm(across)
    for side in (-1.0, 0.0, 1.0):
        near, far = side * across * 10.5 * b, side * across * 16 * b
        waist, elbow = skeleton.arm * 70 + near, skeleton.arm * ARM_MM + far
        heap.add(near, waist, 17.5 * b, 19.5 * b, 9, ARM)
        heap.add(waist, elbow, 19.5 * b, 43 * b, 9, ARM)
        if sleeve_mm is not None:
            start, end = skeleton.arm * sleeve_mm + near * 1.1, skeleton.arm * ARM_MM + far * 1.1
            heap.add(start, end, 25 * b, 52 * b, 5, SLEEVE)


def _palm(heap: _Heap, skeleton: Skeleton, build: Build) -> None:
    b, knuckles = build.breadth, skeleton.digits[1:, 0]
    girth = build.radii[1:, 0] / 10.0
    carpals = np.array([[13.0, 12, 0], [5.0, 10, 0], [-5.0, 9, 0], [-13.0, 8, 0]]) * [b, 1, 1]
    for i in range(4):
        r = 11.2 * float(girth[i])
        heap.add(carpals[i], knuckles[i], 16.0 * b, r, 7, PALM)
    heap.add(knuckles[0] + [-3, -6, 2], knuckles[3] + [3, -4, 1], 10.5, 9.5, 8, PALM)
    heap.add(knuckles[1] * 0.62, knuckles[3] * 0.62, 13.5, 13.0, 8, PALM)
    root, middle = skeleton.digits[0, 0], skeleton.digits[0, 1]
    thenar = root + (middle - root) * 0.45 + np.array([-4.0, 0, 1.0])
    heap.add(np.array([10.0 * b, 10, 4]), thenar, 15.0, 15.5, 8, PALM)
    heap.add(root, middle, float(build.radii[0, 0]), float(build.radii[0, 1]) + 1.2, 7, 0)
    heap.add(thenar, middle + (root - middle) * 0.12, 15.0, 11.0, 7, PALM)
    heap.add(np.array([-16.0 * b, 14, 4]), np.array([-29.0 * b, 58, 5]), 14.0, 12.0, 8, PALM)


def _webs(heap: _Heap, skeleton: Skeleton, build: Build) -> None:
    """Skin between neighbouring fingers, and between thumb and index finger."""
    digits = skeleton.digits
    for i in range(1, 4):
        one, two = digits[i], digits[i + 1]
        u, v = (one[1] - one[0]), (two[1] - two[0])
        agree = float(np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v)))
        r = 0.76 * float(build.radii[i, 0])
        for share in (0.22, 0.48):
            reach = share * max(agree, 0.0) ** 2
            heap.add(one[0] + u * reach, two[0] + v * reach, r, r, 4, PALM)
    root, middle = digits[0, 0], digits[0, 1]
    knuckle = digits[1, 0]
    for on_thumb, on_index, r in ((0.35, 0.45, 11.0), (0.62, 0.62, 8.5), (0.88, 0.8, 6.5)):
        heap.add(root + (middle - root) * on_thumb, knuckle * on_index, r, r + 1.5, 7, PALM)


def _digit(heap: _Heap, joints: Floats, radii: Floats, digit: int) -> None:
    first = 1 if digit == 0 else 0
    for bone in range(first, 3):
        a, b = joints[bone], joints[bone + 1]
        r_a, r_b = float(radii[bone]), float(radii[bone + 1])
        melt = (4.0 if bone == first else 1.2) if digit else (3.0 if bone == first else 1.2)
        heap.add(a, b, r_a, r_b, melt, digit * 3 + bone)


def _window(ends: Floats, radii: Floats, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    low = np.floor((ends[:, :2] - radii[:, None]).min(axis=0)).astype(int) - 1
    high = np.ceil((ends[:, :2] + radii[:, None]).max(axis=0)).astype(int) + 2
    x0, y0 = np.maximum(low, 0)
    return int(x0), int(y0), int(min(high[0], shape[1])), int(min(high[1], shape[0]))


def _draw(surface: Surface, cones: Cones, i: int) -> None:
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
