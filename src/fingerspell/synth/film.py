"""A word as frames: one person, one room, one camera; the hand moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fingerspell.errors import require
from fingerspell.synth.arrays import Bytes, Floats
from fingerspell.synth.camera import Camera, view_matrix
from fingerspell.synth.config import SynthConfig
from fingerspell.synth.key import Key, at_time
from fingerspell.synth.lens import expose
from fingerspell.synth.motion import Timing, spell
from fingerspell.synth.picture import generator, sample_cast, sample_person
from fingerspell.synth.render import Cast, Rendered, render
from fingerspell.synth.scene import sample_scene
from fingerspell.synth.skeleton import stand

PIVOT_MM = np.array([0.0, 75.0, 10.0])
FAR_MM = 900.0
SHUTTER = 0.5
"""The share of a frame's time for which the shutter is open: what blurs a moving hand."""
BLUR_STEP_PX = 4.0
MOST_SHOTS = 10
HAND_MM = 190.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame and its truth; `landmarks` (21, 2) px, NaN while the hand is out of sight."""

    rgb: Bytes
    time_s: float
    label: str
    phase: str
    landmarks: Floats
    box: tuple[int, int, int, int]


def film(
    word: str,
    *,
    fps: float = 15.0,
    seed: int = 0,
    size_px: tuple[int, int] = (360, 480),
    timing: Timing | None = None,
    config: SynthConfig | None = None,
    fill: float = 0.75,
) -> Iterator[Frame]:
    """Yields the frames of a spelled word; the same arguments give the same pixels.

    `size_px` is height, width; `fill` the share of the height that an upright hand takes. Raises
    `ConfigError` for a letter without a handshape or an impossible frame rate.
    """
    require(
        1 <= fps <= 240 and min(size_px) >= 32 and max(size_px) <= 4096 and 0.05 <= fill <= 1,
        found=f"{fps} frames a second of {size_px} px, hand {fill}",
        expected="1 to 240 frames a second, 32 to 4096 px, a hand of 0.05 to 1",
        fix="use --fps 15",
    )
    config, timing = config or SynthConfig(), timing or Timing()
    rng = generator(f"film {word}", seed)
    look = sample_person(rng, config)
    cast = sample_cast(rng, sample_scene(rng, *size_px, config, look.tone), look, config)
    keys = spell(word, rng, cast.build, timing)
    scale = fill * size_px[0] / HAND_MM
    lens_seed = int(rng.integers(2**31))
    return _frames(cast, keys, fps, scale, lens_seed, config)


def _frames(
    cast: Cast, keys: tuple[Key, ...], fps: float, scale: float, lens_seed: int, config: SynthConfig
) -> Iterator[Frame]:
    # A lens keeps its colours for a whole film, and in time it finds its focus; the grain is new.
    steady = replace(
        config,
        motion_blur_share=0.0,
        defocus_share=0.0,
        low_resolution_share=0.0,
        jpeg_share=0.0,
    )
    for number in range(int(np.ceil(keys[-1].time_s * fps)) + 1):
        key = _tremble(at_time(keys, number / fps))
        shots = _expose_shutter(cast, keys, key, fps, scale)
        picture = sum(shot.picture for shot in shots) / np.float32(len(shots))
        lens = np.random.default_rng(lens_seed)
        rgb = expose(np.asarray(picture, np.float32), lens, steady, grain_seed=number)
        seen = shots[0].box != (0, 0, 0, 0)
        yield Frame(
            rgb=rgb,
            time_s=number / fps,
            label=key.label,
            phase=key.phase,
            landmarks=shots[0].landmarks if seen else np.full((21, 2), np.nan),
            box=shots[0].box,
        )


def _expose_shutter(
    cast: Cast, keys: tuple[Key, ...], key: Key, fps: float, scale: float
) -> list[Rendered]:
    """Pictures while the shutter is open: one of a still hand, more the faster it moves."""
    first = _shoot(cast, key, scale)
    if key.phase not in ("move", "stroke"):
        return [first]
    last = _shoot(cast, _tremble(at_time(keys, key.time_s + SHUTTER / fps)), scale)
    way = float(np.abs(last.landmarks - first.landmarks).max())
    between = min(int(way / BLUR_STEP_PX), MOST_SHOTS)
    times = key.time_s + SHUTTER / fps * np.linspace(0, 1, between + 2)[1:-1]
    return [first, last, *(_shoot(cast, _tremble(at_time(keys, t)), scale) for t in times)]


def _tremble(key: Key) -> Key:
    """Nobody holds a hand quite still: half a millimetre and half a degree, slowly."""
    phase = key.time_s * np.array([7.1, 9.3, 5.7]) + np.array([0.0, 1.0, 2.0])
    sway = np.sin(phase)
    return replace(key, view=key.view + 0.6 * sway, place=key.place + 0.5 * sway[:2])


def _shoot(cast: Cast, key: Key, scale: float) -> Rendered:
    height, width = cast.scene.shape[:2]
    camera = Camera(
        turn=view_matrix(*key.view),
        pivot=PIVOT_MM,
        distance_mm=FAR_MM,
        scale=scale,
        centre_px=(width / 2 + key.place[0] * scale, height * 0.52 - key.place[1] * scale),
    )
    return render(cast, stand(key.pose, cast.build), camera)
