"""Where the camera stands: hand frame (mm) → picture (pixels)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fingerspell.synth.arrays import Floats
from fingerspell.synth.flesh import Cones
from fingerspell.synth.skeleton import rotation
from fingerspell.synth.surface import Projected

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


def view_matrix(turn_deg: float, tilt_deg: float, lean_deg: float) -> Floats:
    """Turn brings the thumb side, tilt the fingertips to the watcher; lean is anticlockwise."""
    return rotation("z", lean_deg) @ rotation("x", tilt_deg) @ rotation("y", -turn_deg)


def see(cones: Cones, camera: Camera) -> Projected:
    """Projects cones; their radii grow with nearness as their places do."""
    ends, zoom = camera.project(cones.ends)
    return Projected(
        ends=ends,
        radii=cones.radii * zoom,
        melt=cones.melt * camera.scale,
        part=cones.part,
        pads=cones.pads @ camera.turn.T * FLIP,
    )


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
    return Camera(
        turn=turn,
        pivot=pivot,
        distance_mm=distance_mm,
        scale=scale,
        centre_px=(float(centre[0]), float(centre[1])),
    )
