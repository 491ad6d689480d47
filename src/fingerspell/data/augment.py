"""Random changes of a training picture: one warp, one colour step, then rarer damage.

Everything is drawn from the generator that is passed in, so a picture's changes are a pure
function of (picture, configuration, generator). Values stay uint8 0–255 throughout: no step can
be fed the wrong range.
"""

from __future__ import annotations

import numpy as np

from fingerspell.config import AugmentConfig
from fingerspell.data import damage
from fingerspell.data.backgrounds import Backgrounds, cut_out
from fingerspell.data.colour import recolour
from fingerspell.data.geometry import around, bent, composed, warp
from fingerspell.images import Pixels

PAINTED = Backgrounds()
"""Backgrounds without any picture: drawn walls and rooms."""


def augment(
    rgb: Pixels,
    size_px: tuple[int, int],
    config: AugmentConfig,
    rng: np.random.Generator,
    behind: Backgrounds = PAINTED,
) -> Pixels:
    """Returns a randomly changed copy, uint8 (h, w, 3), brought to `size_px` in the same warp.

    A picture may get a background from `behind`: behind its hand, where that was cut out on
    black, or else around it.
    """
    if rng.random() >= config.background_share:
        out = warp(rgb, size_px, config, rng)
    elif (cover := cut_out(rgb)) is not None:
        out = composed(rgb, cover, size_px, config, rng, behind)
    else:
        out = around(rgb, size_px, config, rng, behind)
    if config.bend:
        out = bent(out, config.bend, rng)
    if rng.random() < config.occlude_share:
        out = damage.occlude(out, rng)
    out = recolour(out, config, rng)
    if rng.random() < config.grey_share:
        out = damage.grey(out)
    if rng.random() < config.blur_share:
        out = damage.blur(out, rng)
    if rng.random() < config.low_resolution_share:
        out = damage.low_resolution(out, rng)
    if rng.random() < config.noise_share:
        out = damage.noise(out, rng)
    return out
