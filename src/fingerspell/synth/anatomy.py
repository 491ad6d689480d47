"""Anatomy of the hand: bone lengths, girths and joint limits, with their sources.

Bone lengths (mm): A. Buryanov, V. Kotiuk, "Proportions of Hand Segments", Int. J. Morphol.
28(3):755-758, 2010 (doi 10.4067/S0717-95022010000300015), adults' radiographs, to which they add
the soft tissue of the fingertip. Joint limits and the coupling of the last two finger joints:
J. Lin, Y. Wu, T. S. Huang, "Modeling the Constraints of Human Hand Motion", Workshop on Human
Motion, 2000; wrist and thumb: the usual goniometer ranges of the American Academy of Orthopaedic
Surgeons. Spread between neighbours: G. N. Chatzıoglou et al., Anat. Cell Biol. 57(2):172-182,
2024. Girths are half the breadths of fingers, some per cent below the men's means of T. M.
Greiner, Hand Anthropometry of U.S. Army Personnel, 1991 (middle joints, index to little finger:
23.0, 22.5, 21.4, 19.2 mm), because women are drawn too; the rest was fitted by eye.

The hand frame is that of a right hand with the fingers up and the palm towards the viewer:
x towards the thumb, y towards the fingertips, z out of the palm; the wrist is the origin.
"""

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.arrays import Floats

FINGERS: tuple[str, ...] = ("index", "middle", "ring", "little")
METACARPAL_MM = np.array([68.12, 64.60, 58.00, 53.69])
"""Index to little finger; the thumb's is in `THUMB_MM`."""

PHALANGES_MM = np.array(
    [
        [39.78, 22.38, 15.82 + 3.84],
        [44.63, 26.33, 17.40 + 3.95],
        [41.37, 25.65, 17.30 + 3.95],
        [32.74, 18.11, 15.96 + 3.73],
    ]
)
"""Proximal, middle, distal with the soft tip; index to little finger."""

THUMB_MM = np.array([46.22, 31.57, 21.67 + 5.67])
"""Metacarpal, proximal, distal with the soft tip."""

METACARPAL_ROOTS_MM = np.array(
    [[11.0, 24.4, 0.0], [3.0, 27.4, 0.0], [-5.0, 29.5, 0.0], [-12.0, 27.6, 0.0]]
)
"""Where the metacarpals leave the wrist bones, which are some 25 mm long."""

KNUCKLES_MM = np.array(
    [[26.0, 90.8, 0.0], [4.5, 91.9, -2.5], [-16.5, 86.3, -1.0], [-35.5, 75.8, 3.0]]
)
"""The fingers' first joints: the metacarpals fanned out and slightly arched."""

THUMB_ROOT_MM = np.array([25.0, 21.0, 13.0])
"""The joint between the wrist bones and the thumb's metacarpal."""

FINGER_RADII_MM = np.array(
    [[11.4, 10.6, 9.7, 8.1], [11.6, 10.8, 9.9, 8.3], [11.1, 10.2, 9.4, 7.9], [9.9, 9.0, 8.3, 7.0]]
)
"""Half breadth at the knuckle, the two joints and the tip; index to little finger."""

THUMB_RADII_MM = np.array([14.5, 11.8, 10.9, 8.9])
"""Half breadth at the root, the two joints and the tip."""

PRONATION = 0.4
"""A thumb's joint turns its pad towards the palm by this share of its bend.

That its joints' axes are askew, so that bending pronates: A. Hollister et al., "The Axes of
Rotation of the Thumb Interphalangeal and Metacarpophalangeal Joints", Clin. Orthop. Relat. Res.
320:188-193, 1995; how much was fitted by eye to thumbs that lie across a fist.
"""

FINGER_ROLL_DEG = np.array([-3.5, -1.0, 2.0, 5.0])
"""The bending planes lean inwards, so that curled fingertips point at the wrist's thumb side."""

FLEX_LIMITS_DEG = np.array([[-25.0, 95.0], [-6.0, 112.0], [-12.0, 85.0]])
"""Lowest and highest bend of the three finger joints, base to tip."""

SPREAD_LIMITS_DEG = (-28.0, 24.0)
"""Sideways at the knuckle, positive towards the thumb; crossing fingers use most of it."""

THUMB_LIMITS_DEG = np.array(
    [[-45.0, 85.0], [-25.0, 75.0], [-100.0, 45.0], [-15.0, 62.0], [-22.0, 85.0]]
)
"""out, front, roll, bend of the middle joint, bend of the last joint."""

WRIST_LIMITS_DEG = np.array([[-70.0, 85.0], [-30.0, 25.0]])
"""Bend towards the palm, lean towards the thumb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One person's hand: lengths and girths relative to the average adult's.

    `phalanges` has shape (4, 3), `thumb` (3,), `knuckles` (4, 3) and `radii` (5, 4): thumb first.
    """

    phalanges: Floats
    thumb: Floats
    knuckles: Floats
    radii: Floats
    breadth: float = 1.0


AVERAGE = Build(
    phalanges=PHALANGES_MM,
    thumb=THUMB_MM,
    knuckles=KNUCKLES_MM,
    radii=np.vstack([THUMB_RADII_MM, FINGER_RADII_MM]),
)


def sample_build(rng: np.random.Generator, spread: float = 1.0) -> Build:
    """Draws one person's hand; `spread` 1 is the scatter between adults, 0 the average hand.

    The coefficients of variation follow the standard deviations of Buryanov and Kotiuk (8-13 % a
    bone, most of it shared by all bones of a hand, which the camera cannot see).
    """
    length = 1 + 0.05 * spread * rng.standard_normal()
    girth = float(np.clip(1 + 0.09 * spread * rng.standard_normal(), 0.8, 1.25))
    breadth = float(np.clip(1 + 0.05 * spread * rng.standard_normal(), 0.88, 1.14))
    each = 1 + 0.035 * spread * rng.standard_normal((4, 3))
    return Build(
        phalanges=PHALANGES_MM * each * np.clip(length, 0.86, 1.14),
        thumb=THUMB_MM * (1 + 0.04 * spread * rng.standard_normal(3)),
        knuckles=KNUCKLES_MM * np.array([breadth, 1.0, 1.0]),
        radii=AVERAGE.radii * girth * (1 + 0.025 * spread * rng.standard_normal((5, 1))),
        breadth=breadth * (0.6 + 0.4 * girth),
    )
