"""Draws `static/hands`: a synthetic hand for each letter, `space` and `del`; J and Z as strips.

    PYTHONPATH=src python web/hands.py

WebP with a transparent ground, a right hand as the viewer sees it. A strip has its frames side by
side; the way of the fingertip is part of the picture.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fingerspell.synth.anatomy import AVERAGE
from fingerspell.synth.camera import Camera, frame, view_matrix
from fingerspell.synth.light import Light
from fingerspell.synth.motion import Key, Timing, at_time, spell
from fingerspell.synth.pose import Pose, sample_pose
from fingerspell.synth.render import Cast, render
from fingerspell.synth.signs import load_signs
from fingerspell.synth.skeleton import stand
from fingerspell.synth.skin import sample_look
from fingerspell.synth.surface import PALM, clothe

SIZE_PX, FRAMES = 220, 8
HANDS = Path(__file__).parent / "static" / "hands"
TIP = {"J": 20, "Z": 8}
INK = (16, 150, 133)
Rgba = NDArray[np.uint8]


def cast(ground: float, size_px: int) -> Cast:
    """An average hand in soft light before a ground of one grey."""
    towards = np.array([-0.5, -0.6, 0.62])
    light = Light(
        towards=towards / np.linalg.norm(towards), key=np.array([1.05, 1.0, 0.95]),
        sky=np.full(3, 0.55), ground=np.full(3, 0.35), softness=5.0, exposure=0.95,
    )  # fmt: skip
    look = replace(sample_look(np.random.default_rng(4), 4, False, False), blush=0.7, crease=1.0)
    scene = np.full((size_px, size_px, 3), ground, np.float32)
    return Cast(build=AVERAGE, look=look, light=light, scene=scene)


def cut_out(pose: Pose, camera: Camera) -> Rgba:
    """Returns the hand without its ground: what black and white grounds leave different."""
    size_px = SIZE_PX * 2
    on_black, on_white = (
        render(cast(ground, size_px), stand(pose, AVERAGE), camera).picture for ground in (0.0, 1.0)
    )
    alpha = np.clip(1 - (on_white - on_black).mean(axis=2, keepdims=True), 0, 1)
    colour = np.where(alpha > 0.02, on_black / np.maximum(alpha, 0.02), 0)
    large = np.clip(np.concatenate([colour, alpha], axis=2) * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.asarray(
        Image.fromarray(large, "RGBA").resize((SIZE_PX, SIZE_PX), Image.Resampling.BOX)
    )


def still(label: str) -> Rgba:
    """Returns the picture of a held sign."""
    variant = load_signs()[label].variants[0]
    pose = sample_pose(np.random.default_rng(4), variant, AVERAGE, slack=0)
    cones = clothe(stand(pose, AVERAGE), AVERAGE)
    camera = frame(
        cones, cones.part <= PALM, view_matrix(*variant.view), (SIZE_PX * 2, SIZE_PX * 2),
        fill=0.84, offset=(0.0, 0.0), distance_mm=650.0,
    )  # fmt: skip
    return cut_out(pose, camera)


def strip(label: str) -> Rgba:
    """Returns a movement's frames, side by side."""
    timing = Timing()
    keys = spell(label, np.random.default_rng(4), AVERAGE, timing, slack=0)
    stroke = [key for key in keys if key.phase == "stroke"]
    times = np.linspace(stroke[0].time_s, stroke[-1].time_s - 1e-6, FRAMES)
    shots = [at_time(keys, float(time_s)) for time_s in times]
    cameras = [_camera(shot, stroke) for shot in shots]
    tips = [_tip(shot, camera, TIP[label]) for shot, camera in zip(shots, cameras, strict=True)]
    frames = []
    for number, (shot, camera) in enumerate(zip(shots, cameras, strict=True), start=1):
        picture = Image.fromarray(cut_out(shot.pose, camera), "RGBA")
        ImageDraw.Draw(picture).line(tips[:number], fill=INK, width=6, joint="curve")
        frames.append(np.asarray(picture))
    return np.hstack(frames)


def _tip(shot: Key, camera: Camera, landmark: int) -> tuple[float, float]:
    """Returns where the tip of the finger that draws is, in pixels of the small picture."""
    drawn = render(cast(0.0, SIZE_PX * 2), stand(shot.pose, AVERAGE), camera)
    x, y = drawn.landmarks[landmark] / 2
    return float(x), float(y)


def _camera(shot: Key, stroke: Sequence[Key]) -> Camera:
    """The same camera for all frames, with room for the way of the hand."""
    middle = np.mean(
        [np.min([k.place for k in stroke], 0), np.max([k.place for k in stroke], 0)], 0
    )
    scale, half = SIZE_PX * 2 * 0.0034, SIZE_PX
    x, y = shot.place - middle
    return Camera(
        turn=view_matrix(*shot.view), pivot=np.array([0.0, 75.0, 10.0]), distance_mm=900.0,
        scale=scale, centre_px=(half + x * scale, half - y * scale),
    )  # fmt: skip


def main() -> None:
    """Writes all pictures and says how large they are."""
    HANDS.mkdir(parents=True, exist_ok=True)
    for label in (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "space", "del"):
        picture = strip(label) if label in "JZ" else still(label)
        Image.fromarray(picture, "RGBA").save(HANDS / f"{label}.webp", quality=70, method=6)
    print(f"{sum(path.stat().st_size for path in HANDS.iterdir()) / 1000:.0f} kB in {HANDS}")


if __name__ == "__main__":
    main()
