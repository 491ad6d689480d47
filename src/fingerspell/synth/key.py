"""Keyframes: the hand at one time, and at any time between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fingerspell.synth.arrays import Floats
from fingerspell.synth.skeleton import Pose


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The hand at one time: `view` (3,) degrees, `place` (2,) mm from the middle.

    `label` is what is signed from here to the next key; `phase` is `rest`, `move`, `hold` or
    `stroke`.
    """

    time_s: float
    label: str
    phase: str
    pose: Pose
    view: Floats
    place: Floats


def at_time(keys: Sequence[Key], time_s: float) -> Key:
    """Returns the hand at a time, between its keys on a smooth step 3u² - 2u³."""
    times = [key.time_s for key in keys]
    later = int(np.searchsorted(times, time_s, side="right"))
    if later == 0 or later == len(keys):
        return replace(keys[min(later, len(keys) - 1)], time_s=time_s)
    one, two = keys[later - 1], keys[later]
    u = (time_s - one.time_s) / max(two.time_s - one.time_s, 1e-9)
    # Inside a stroke the hand does not stop at every corner.
    u = u if one.phase == two.phase == "stroke" else u * u * (3 - 2 * u)
    return Key(
        time_s=time_s,
        label=one.label,
        phase=one.phase,
        pose=Pose(
            fingers=one.pose.fingers + u * (two.pose.fingers - one.pose.fingers),
            thumb=one.pose.thumb + u * (two.pose.thumb - one.pose.thumb),
            wrist=one.pose.wrist + u * (two.pose.wrist - one.pose.wrist),
        ),
        view=one.view + u * _shortest(two.view - one.view),
        place=one.place + u * (two.place - one.place),
    )


def _shortest(turn_deg: Floats) -> Floats:
    """The same turn the short way round, each angle in [-180, 180)."""
    short: Floats = (turn_deg + 180) % 360 - 180
    return short
