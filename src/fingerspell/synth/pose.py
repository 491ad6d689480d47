"""A sign's table → one signer's pose and point of view."""

from __future__ import annotations

import numpy as np

from fingerspell.synth.anatomy import (
    FLEX_LIMITS_DEG,
    SPREAD_LIMITS_DEG,
    WRIST_LIMITS_DEG,
    Build,
)
from fingerspell.synth.arrays import Floats
from fingerspell.synth.signs import Sign, Variant
from fingerspell.synth.skeleton import Pose, bend_fingers
from fingerspell.synth.thumb import reach


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
    fingers = clamp_fingers(fingers)
    joints, _ = bend_fingers(fingers, build)
    rest = np.array(variant.thumb) + scale * 0.8 * rng.standard_normal(5)
    wrist = np.array(variant.wrist) + slack * np.array([8.0, 6.0]) * rng.standard_normal(2)
    return Pose(
        fingers=fingers,
        thumb=reach(rest, variant.touches, joints, build, variant.under),
        wrist=np.clip(wrist, WRIST_LIMITS_DEG[:, 0], WRIST_LIMITS_DEG[:, 1]),
    )


def _fan(rng: np.random.Generator, scale: float) -> Floats:
    """All fingers a little further apart, or closer together."""
    return np.array([1.0, 0.1, -0.8, -1.6]) * abs(rng.standard_normal()) * scale * 0.25


def clamp_fingers(fingers: Floats) -> Floats:
    """Returns the angles within what joints can do."""
    low, high = FLEX_LIMITS_DEG.T
    bends = np.clip(fingers[:, :3], low, high)
    spread = np.clip(fingers[:, 3:4], *SPREAD_LIMITS_DEG)
    return np.concatenate([bends, spread, fingers[:, 4:]], axis=1)


def sample_view(rng: np.random.Generator, variant: Variant, freedom: float = 1.0) -> Floats:
    """Draws turn, tilt and lean in degrees."""
    scatter = np.array(variant.view_slack) * freedom * rng.standard_normal(3)
    return np.array(variant.view) + scatter
