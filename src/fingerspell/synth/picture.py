"""`draw`: one labelled picture of a synthetic hand, pure in label, seed, size and settings."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fingerspell.errors import require
from fingerspell.synth.anatomy import sample_build
from fingerspell.synth.arrays import Bytes, Flags, Floats
from fingerspell.synth.camera import Camera, expose, frame, view_matrix
from fingerspell.synth.config import SCENES, SynthConfig
from fingerspell.synth.light import sample_light
from fingerspell.synth.pose import sample_pose, sample_variant, sample_view
from fingerspell.synth.render import Cast, render
from fingerspell.synth.scene import sample_scene
from fingerspell.synth.signs import Variant, find_sign
from fingerspell.synth.skeleton import Skeleton, stand
from fingerspell.synth.skin import Look, sample_look
from fingerspell.synth.surface import PALM, clothe

_MEDIUM, _AUTO_EXPOSURE = 0.27, 0.5
_ARM_FILL = 0.65
"""A forearm without its hand is seen this near, so that its other end is not in the picture."""
_FACES: dict[str, Any] = {
    "scenes": tuple(float(scene == "person") for scene in SCENES),
    "backgrounds_share": 0.0,
}
"""What changes where a picture without a hand shows somebody's face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticHand:
    """A picture and its truth.

    `rgb` uint8 (h, w, 3); `landmarks` (21, 2) x, y in pixels, NaN where the picture shows no hand;
    `mask` bool (h, w), hand and forearm; `box` of the hand without the forearm: x0, y0, x1, y1 in
    pixels, all 0 where there is none; `variant` the way of signing; `left` a left hand.
    """

    rgb: Bytes
    landmarks: Floats
    mask: Flags
    box: tuple[int, int, int, int]
    variant: str = ""
    left: bool = False


def generator(label: str, seed: int) -> np.random.Generator:
    """Returns the random source of one picture: label and seed, nothing else."""
    return np.random.default_rng([seed, *label.encode("utf-8")])


def draw(
    label: str, seed: int, size_px: tuple[int, int] = (200, 200), config: SynthConfig | None = None
) -> SyntheticHand:
    """Draws one picture; the same arguments give the same pixels.

    `size_px` is height, width. Raises `ConfigError` for an unknown label or a size below 32.
    """
    config = config or SynthConfig()
    height, width = size_px
    require(
        min(height, width) >= 32 and max(height, width) <= 4096 and seed >= 0,
        found=f"size {size_px} px, seed {seed}",
        expected="sides from 32 to 4096 pixels and a seed of 0 or more",
        fix="use size_px=(200, 200)",
    )
    sign = find_sign(label)
    rng = generator(label, seed)
    variant = sample_variant(rng, sign)
    look = sample_person(rng, config)
    scenery = replace(config, **_FACES) if variant.show == "face" else config
    scene = sample_scene(rng, height, width, scenery, look.tone)
    if variant.show in ("none", "face"):
        return _empty(expose(scene, rng, config), variant)
    cast = sample_cast(rng, scene, look, config)
    skeleton = stand(sample_pose(rng, variant, cast.build, config.slack), cast.build)
    turn = view_matrix(*sample_view(rng, variant, config.view))
    rendered = render(cast, skeleton, _sample_camera(rng, cast, skeleton, turn, variant, config))
    rgb = expose(rendered.picture, rng, config)
    if variant.show == "arm":
        return replace(_empty(rgb, variant), mask=rendered.mask)
    return SyntheticHand(
        rgb=rgb,
        landmarks=rendered.landmarks,
        mask=rendered.mask,
        box=rendered.box,
        variant=variant.name,
        left=cast.left,
    )


def _empty(rgb: Bytes, variant: Variant) -> SyntheticHand:
    nowhere = np.full((21, 2), np.nan)
    mask = np.zeros(rgb.shape[:2], bool)
    return SyntheticHand(
        rgb=rgb, landmarks=nowhere, mask=mask, box=(0, 0, 0, 0), variant=variant.name
    )


def sample_person(rng: np.random.Generator, config: SynthConfig) -> Look:
    """Draws somebody's skin, clothes and jewellery."""
    tone = int(rng.choice(config.tones))
    watch, ring = rng.random() < config.watch_share, rng.random() < config.ring_share
    return sample_look(rng, tone, bool(watch), bool(ring))


def sample_cast(rng: np.random.Generator, scene: Floats, look: Look, config: SynthConfig) -> Cast:
    """Draws a hand, a sleeve and a lamp for a person in front of a scene."""
    sleeved = rng.random() < config.sleeve_share
    back_light = bool(rng.random() < config.back_light_share)
    build, light = sample_build(rng, config.people), sample_light(rng, back_light)
    # A camera sets its exposure by what it sees, and much of that is the hand.
    seen = float(look.tone[0] * (light.sky[0] + 0.5 * light.key[0] * max(light.towards[2], 0)))
    opened = (_MEDIUM / seen) ** _AUTO_EXPOSURE
    return Cast(
        build=build,
        look=look,
        light=replace(light, exposure=light.exposure * opened),
        scene=np.clip(scene + rng.uniform(0.2, 0.6), 0, 1) if back_light else scene,
        left=bool(rng.random() < config.left_share),
        sleeve_mm=float(rng.uniform(5, 120)) if sleeved else None,
        wall_shadow=float(rng.uniform(0.1, 0.5)) if rng.random() < config.shadow_share else 0.0,
    )


def _sample_camera(
    rng: np.random.Generator,
    cast: Cast,
    skeleton: Skeleton,
    turn: Floats,
    variant: Variant,
    config: SynthConfig,
) -> Camera:
    """Draws where the hand is in the picture and how near the lens is."""
    cones = clothe(skeleton, cast.build)
    height, width = cast.scene.shape[:2]
    offset = np.clip(rng.normal(0, 0.5, 2), -1.15, 1.15)
    fill = float(rng.uniform(*config.fill))
    camera = frame(
        cones,
        cones.part <= PALM,
        turn,
        (height, width),
        fill=max(fill, _ARM_FILL) if variant.show == "arm" else fill,
        offset=(float(offset[0]), float(offset[1])),
        distance_mm=float(np.exp(rng.uniform(*np.log(config.distance_mm)))),
    )
    if variant.show != "arm":
        return camera
    # Push the hand out of the picture the way the fingers point; the forearm stays.
    way = turn @ -skeleton.arm * np.array([1.0, -1.0, 1.0])
    length = max(float(np.hypot(way[0], way[1])), 0.3)
    x, y = np.array(camera.centre_px) + way[:2] / length * 1.15 * max(height, width)
    return replace(camera, centre_px=(float(x), float(y)))
