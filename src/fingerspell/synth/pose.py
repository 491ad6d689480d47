"""Samples one signer's pose and view from a sign's table; solves where the thumb touches."""

from collections.abc import Sequence

import numpy as np

from fingerspell.synth import anatomy
from fingerspell.synth.anatomy import FINGERS, Build
from fingerspell.synth.arrays import Floats
from fingerspell.synth.signs import PLACES, THUMB_PARTS, Sign, Touch, Variant
from fingerspell.synth.skeleton import Pose, bend_fingers, bend_thumb, cores

_TOUCH_MM = 2.5
_REST_DEG = 22.0
_PRESS_MM = 1.2
_PROBE_DEG = 1.0
_ROUNDS = 9
_MAX_STEP_DEG = 25.0

_SOFT = 0.8
"""Fingers are broader than thick, and pads give way: what touches is this share of the radii."""


def sample_variant(rng: np.random.Generator, sign: Sign) -> Variant:
    """Picks one way of making the sign by its share."""
    shares = np.array([variant.share for variant in sign.variants])
    return sign.variants[int(rng.choice(len(shares), p=shares / shares.sum()))]


def sample_pose(
    rng: np.random.Generator, variant: Variant, build: Build, slack: float = 1.0
) -> Pose:
    """Draws a pose within the joint limits; `slack` 0 gives the table's own angles.

    Part of each deviation is shared by all fingers (a tense or a lazy hand), the last two joints
    of a finger move together, and the thumb is brought to what it touches.
    """
    scale = variant.slack * slack
    lazy = rng.standard_normal()
    own = rng.standard_normal((4, 3))
    own[:, 2] = 0.6 * own[:, 1] + 0.4 * own[:, 2]
    fingers = np.column_stack([variant.fingers, variant.roll])
    fingers[:, :3] += scale * (0.5 * lazy + 0.8 * own)
    fingers[:, 3] += 0.3 * scale * rng.standard_normal(4) + _fan(rng, scale)
    fingers = _clamp_fingers(fingers)
    joints, _ = bend_fingers(fingers, build)
    rest = np.array(variant.thumb) + scale * 0.8 * rng.standard_normal(5)
    limits = anatomy.WRIST_LIMITS_DEG
    wrist = np.array(variant.wrist) + slack * np.array([8.0, 6.0]) * rng.standard_normal(2)
    return Pose(
        fingers=fingers,
        thumb=_reach(rest, variant.touches, joints, build, variant.under),
        wrist=np.clip(wrist, limits[:, 0], limits[:, 1]),
    )


def sample_view(rng: np.random.Generator, variant: Variant, freedom: float = 1.0) -> Floats:
    """Draws turn, tilt and lean in degrees."""
    scatter = np.array(variant.view_slack) * freedom * rng.standard_normal(3)
    return np.array(variant.view) + scatter


def _reach(
    rest: Floats, touches: Sequence[Touch], fingers: Floats, build: Build, under: Sequence[str] = ()
) -> Floats:
    """Returns five thumb angles near `rest` (degrees) that make the touches, within the limits.

    `fingers` are the finger joints (4, 4, 3) in mm; those named in `under` are folded over the
    thumb and do not push it away. Without touches `rest` itself is returned.
    """
    if not touches:
        return rest
    fingers, tip_radius = cores(fingers, build.radii[1:, 3]), build.radii[0, 3]
    rows, goals = _targets(touches, fingers, build)
    spots, spot_r = _obstacles(fingers, build, under)
    thumb_r, spot_r = build.radii[0] * _SOFT, spot_r * _SOFT
    along = np.array([0.5, 1.0])[:, None]

    def residuals(angles: Floats) -> Floats:
        joints = cores(bend_thumb(angles, build)[0], tip_radius[None])
        misses = (joints[:, rows] - goals).reshape(len(angles), -1) / _TOUCH_MM
        low, high = joints[:, 1:-1, None], joints[:, 2:, None]
        points = (low + (high - low) * along).reshape(len(angles), -1, 3)
        point_r = (thumb_r[1:-1, None] + (thumb_r[2:] - thumb_r[1:-1])[:, None] * along.T).ravel()
        apart = np.linalg.norm(points[:, :, None] - spots, axis=-1)
        depth = np.maximum(point_r[:, None] + spot_r - apart, 0).max(axis=-1) / _PRESS_MM
        return np.concatenate([misses, (angles - rest) / _REST_DEG, depth], axis=1)

    low, high = anatomy.THUMB_LIMITS_DEG.T
    angles, damping = np.clip(rest, low, high), 1e-3
    probes = np.vstack([np.zeros(5), np.eye(5) * _PROBE_DEG])
    value = residuals(angles[None])[0]
    for _ in range(_ROUNDS):
        around = residuals(angles + probes)
        slope = (around[1:] - around[0]).T / _PROBE_DEG
        normal = slope.T @ slope
        step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope.T @ around[0])
        tried = np.clip(angles + np.clip(step, -_MAX_STEP_DEG, _MAX_STEP_DEG), low, high)
        new = residuals(tried[None])[0]
        if new @ new < value @ value:
            angles, value, damping = tried, new, damping * 0.3
        else:
            damping = damping * 8 + 1e-2
    return angles


def _targets(touches: Sequence[Touch], fingers: Floats, build: Build) -> tuple[list[int], Floats]:
    rows, goals = [], []
    for touch in touches:
        row = THUMB_PARTS.index(touch.part) + 1
        centre, radius = _place_on(fingers, build.radii, touch.finger, touch.place)
        side = np.array(touch.side)
        reach = _SOFT * touch.gap * (radius + build.radii[0, row])
        rows.append(row)
        goals.append(centre + side / max(float(np.linalg.norm(side)), 1e-9) * reach)
    return rows, np.array(goals)


def _obstacles(fingers: Floats, build: Build, under: Sequence[str]) -> tuple[Floats, Floats]:
    """Spheres along the finger bones and the palm: centres (n, 3) and radii (n,)."""
    hard = [i for i, finger in enumerate(FINGERS) if finger not in under]
    fingers, radii = fingers[hard], build.radii[1:][hard]
    steps = np.array([0.0, 0.34, 0.67, 1.0])[:, None]
    low, high = fingers[:, :-1, None], fingers[:, 1:, None]
    bones = (low + (high - low) * steps).reshape(-1, 3)
    r_low, r_high = radii[:, :-1, None], radii[:, 1:, None]
    bone_r = (r_low + (r_high - r_low) * steps[:, 0]).reshape(-1)
    palm = (build.knuckles[:, None] * np.array([0.45, 0.65, 0.85])[:, None]).reshape(-1, 3)
    return np.concatenate([bones, palm]), np.concatenate([bone_r, np.full(len(palm), 11.0)])


def _place_on(fingers: Floats, radii: Floats, finger: str, place: str) -> tuple[Floats, float]:
    """Returns centre (3,) and radius in mm of a named place; `fingers` (4, 4, 3)."""
    f, at = FINGERS.index(finger), PLACES.index(place) / 2
    low, high = int(np.floor(at)), int(np.ceil(at))
    centre = (fingers[f, low] + fingers[f, high]) / 2
    return centre, float(radii[f + 1, low] + radii[f + 1, high]) / 2


def _fan(rng: np.random.Generator, scale: float) -> Floats:
    """All fingers a little further apart, or closer together."""
    return np.array([1.0, 0.1, -0.8, -1.6]) * abs(rng.standard_normal()) * scale * 0.25


def _clamp_fingers(fingers: Floats) -> Floats:
    low, high = anatomy.FLEX_LIMITS_DEG.T
    bends = np.clip(fingers[:, :3], low, high)
    spread = np.clip(fingers[:, 3:4], *anatomy.SPREAD_LIMITS_DEG)
    return np.concatenate([bends, spread, fingers[:, 4:]], axis=1)
