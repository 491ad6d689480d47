"""Forward kinematics of the hand: joint angles to joint positions.

Each digit bends in its own plane. With cumulated bend θ the bone points along
(0, cos θ, sin θ) and its pad faces (0, -sin θ, cos θ) before the plane is rolled and spread.
"""

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.anatomy import FINGER_ROLL_DEG, PRONATION, THUMB_ROOT_MM, Build
from fingerspell.synth.arrays import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Angles in degrees: `fingers` (4, 5), `thumb` (5,), `wrist` (2,); see `signs.Variant`."""

    fingers: Floats
    thumb: Floats
    wrist: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """Joints in mm: `digits` (5, 4, 3), thumb first, base to tip; `pads` (5, 3, 3) unit vectors.

    `pads[d, i]` is where the palm side of bone i of digit d faces; `arm` points from the wrist
    down the forearm and `arm_pad` is where its palm side faces.
    """

    digits: Floats
    pads: Floats
    arm: Floats
    arm_pad: Floats

    @property
    def landmarks(self) -> Floats:
        """(21, 3): wrist, then thumb to little finger, base to tip."""
        return np.concatenate([np.zeros((1, 3)), self.digits.reshape(20, 3)])


def rotation(axis: str, degrees: float) -> Floats:
    """Returns the right-handed 3×3 rotation about x, y or z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def bend_fingers(fingers: Floats, build: Build) -> tuple[Floats, Floats]:
    """Returns joints (4, 4, 3) in mm and pads (4, 3, 3) of the four fingers.

    `fingers` has a row a finger: bend at three joints, spread, roll.
    """
    bend = np.radians(np.cumsum(fingers[:, :3], axis=1))
    zero = np.zeros_like(bend)
    bones = np.stack([zero, np.cos(bend), np.sin(bend)], axis=-1)
    pads = np.stack([zero, -np.sin(bend), np.cos(bend)], axis=-1)
    planes = np.stack(
        [
            rotation("z", -spread) @ rotation("y", roll)
            for spread, roll in zip(fingers[:, 3], fingers[:, 4] + FINGER_ROLL_DEG, strict=True)
        ]
    )
    bones = np.einsum("fij,fsj->fsi", planes, bones) * build.phalanges[..., None]
    steps = np.concatenate([build.knuckles[:, None], bones], axis=1)
    return np.cumsum(steps, axis=1), np.einsum("fij,fsj->fsi", planes, pads)


def bend_thumb(angles: Floats, build: Build) -> tuple[Floats, Floats]:
    """Returns joints (n, 4, 3) in mm and pads (n, 3, 3) for n rows of five thumb angles.

    `out` swings the metacarpal away from the index finger in the palm's plane, `front` lifts it
    out of the plane; at roll 0 the pad faces the index finger, below 0 it faces the palm, and it
    turns further that way as the thumb bends.
    """
    a, b, roll, bend_1, bend_2 = np.radians(angles).T
    zero = np.zeros_like(a)
    bone = np.stack([np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), np.sin(b)], axis=-1)
    flat = np.stack([-np.cos(a), np.sin(a), zero], axis=-1)
    pad = np.cos(roll)[:, None] * flat + np.sin(roll)[:, None] * _cross(bone, flat)
    bones, pads = [bone], [pad]
    for bend in (bend_1, bend_2):
        c, s = np.cos(bend)[:, None], np.sin(bend)[:, None]
        bone, pad = c * bone + s * pad, c * pad - s * bone
        c, s = np.cos(PRONATION * bend)[:, None], np.sin(PRONATION * bend)[:, None]
        pad = c * pad - s * _cross(bone, pad)
        bones.append(bone)
        pads.append(pad)
    steps = np.stack(bones, axis=1) * build.thumb[:, None]
    root = np.broadcast_to(THUMB_ROOT_MM * [build.breadth, 1, 1], (len(angles), 1, 3))
    return np.cumsum(np.concatenate([root, steps], axis=1), axis=1), np.stack(pads, axis=1)


def _cross(a: Floats, b: Floats) -> Floats:
    """Row by row a x b, both (n, 3): np.cross takes twice as long for a few rows."""
    product: Floats = a[:, [1, 2, 0]] * b[:, [2, 0, 1]] - a[:, [2, 0, 1]] * b[:, [1, 2, 0]]
    return product


def cores(joints: Floats, tip_radii: Floats) -> Floats:
    """Returns joints (…, 4, 3) with the tip moved back into the middle of its round end.

    A landmark is the end of the finger, its flesh is a ball of radius `tip_radii` (…,) behind it.
    """
    bone = joints[..., 3, :] - joints[..., 2, :]
    back = bone / np.linalg.norm(bone, axis=-1, keepdims=True) * tip_radii[..., None] * 0.9
    return np.concatenate([joints[..., :3, :], (joints[..., 3, :] - back)[..., None, :]], axis=-2)


def stand(pose: Pose, build: Build) -> Skeleton:
    """Puts a build into a pose."""
    fingers, finger_pads = bend_fingers(pose.fingers, build)
    thumb, thumb_pads = bend_thumb(pose.thumb[None], build)
    wrist = rotation("x", -pose.wrist[0]) @ rotation("z", pose.wrist[1])
    return Skeleton(
        digits=np.concatenate([thumb, fingers]),
        pads=np.concatenate([thumb_pads, finger_pads]),
        arm=wrist @ np.array([0.0, -1.0, 0.0]),
        arm_pad=wrist @ np.array([0.0, 0.0, 1.0]),
    )
