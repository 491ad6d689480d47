"""Keyframes of a fingerspelled word: pose, view and place over time.

J and Z are paths of their own; all other letters are held. Between two letters everything moves on
one smooth curve. A double letter slides outwards or bounces, as signers do, because a hold that
simply lasted longer would be read once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fingerspell.errors import require, require_one_of
from fingerspell.synth.anatomy import Build
from fingerspell.synth.arrays import Floats
from fingerspell.synth.pose import sample_pose, sample_variant
from fingerspell.synth.signs import Variant, find_sign
from fingerspell.synth.skeleton import Pose

_DOUBLES = ("slide", "bounce")

_BELOW_MM = (30.0, -300.0)
"""Where the hand rests before and after a word: below the picture."""

_J_PATH = ((0.0, 0.0, 0.0), (0.45, -8.0, -45.0), (1.0, 28.0, -38.0))
"""Share of the stroke, then x (the viewer's right) and y (up) in mm: down, then a hook."""

_Z_PATH = ((0.0, 0.0, 0.0), (0.3, -75.0, 0.0), (0.68, 0.0, -75.0), (1.0, -75.0, -75.0))
"""A right-handed signer writes Z for himself, so the viewer sees it mirrored."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How fast somebody spells, in seconds. Learners hold 0.5 s, fluent signers under 0.2 s."""

    hold_s: float = 0.4
    move_s: float = 0.25
    stroke_s: float = 0.8
    rest_s: float = 0.5
    double: str = "slide"

    def __post_init__(self) -> None:
        times = (self.hold_s, self.move_s, self.stroke_s, self.rest_s)
        require(
            min(times) > 0 and max(times) <= 60,
            found=f"times {times} s",
            expected="more than 0 and at most 60 seconds each",
            fix="use Timing() as it is",
        )
        require_one_of("double", self.double, _DOUBLES, "use double='slide'")


def spell(
    word: str, rng: np.random.Generator, build: Build, timing: Timing, slack: float = 0.6
) -> tuple[Key, ...]:
    """Returns the keyframes of a word, from rest to rest; a blank is the sign `space`.

    Raises `ConfigError` for an empty word or a letter without a handshape.
    """
    labels = ["space" if letter == " " else letter.upper() for letter in word]
    require(
        bool(labels) and len(labels) <= 200,
        found=f"a word of {len(labels)} letters",
        expected="from 1 to 200 letters",
        fix="fingerspell synth video HELLO -o hello.mp4",
    )
    letters = [_letter(label, rng, build, slack) for label in labels]
    keys = [replace(letters[0][0], label="nothing", phase="rest", place=np.array(_BELOW_MM))]
    clock, shift = timing.rest_s, np.zeros(2)
    keys.append(replace(keys[-1], time_s=clock, phase="move"))
    clock += timing.move_s * 1.6
    for number, (label, letter) in enumerate(zip(labels, letters, strict=True)):
        again = number > 0 and labels[number - 1] == label
        if again:
            shift, clock = _double(keys, shift, clock, timing)
            letter = [
                replace(key, pose=keys[-1].pose, view=keys[-1].view) for key in letter[:1]
            ] + (letter[1:])
        clock = _sign(keys, letter, label, shift, clock, timing)
    keys.append(replace(keys[-1], label="nothing", phase="move", time_s=clock))
    clock += timing.move_s * 1.6
    keys.append(replace(keys[-1], time_s=clock, phase="rest", place=np.array(_BELOW_MM)))
    keys.append(replace(keys[-1], time_s=clock + timing.rest_s))
    return tuple(keys)


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


def _double(keys: list[Key], shift: Floats, clock: float, timing: Timing) -> tuple[Floats, float]:
    """Separates two equal letters by a slide outwards or by a bounce."""
    last = keys[-1]
    keys[-1] = replace(last, phase="move")
    if timing.double == "slide":
        return shift + np.array([-45.0, 0.0]), clock
    up = replace(last, phase="move", place=last.place + np.array([0.0, 28.0]))
    keys.append(replace(up, time_s=clock - timing.move_s / 2))
    return shift, clock


def _sign(
    keys: list[Key], letter: list[Key], label: str, shift: Floats, clock: float, timing: Timing
) -> float:
    """Adds one letter's keys and the way to the next; returns when that way is over."""
    lasts = timing.stroke_s if len(letter) > 1 else timing.hold_s
    phase = "stroke" if len(letter) > 1 else "hold"
    for key in letter:
        moment = clock + key.time_s * lasts
        keys.append(replace(key, time_s=moment, label=label, phase=phase, place=key.place + shift))
    clock += lasts
    keys.append(replace(keys[-1], time_s=clock, phase="move"))
    return clock + timing.move_s


def _letter(label: str, rng: np.random.Generator, build: Build, slack: float) -> list[Key]:
    """Keys of one letter with times from 0 to 1: one for a held letter, several for J and Z."""
    sign = find_sign(label)
    require(
        label != "nothing",
        found="the label 'nothing' in a word",
        expected="letters, digits and blanks",
        fix="omit it: a word begins and ends with nothing",
    )
    if label == "J":
        return _stroke(_J_PATH, sign.variants[:3], rng, build, slack)
    if label == "Z":
        return _stroke(_Z_PATH, [sign.variants[0]] * len(_Z_PATH), rng, build, slack)
    return _stroke(((0.0, 0.0, 0.0),), [sample_variant(rng, sign)], rng, build, slack)


def _stroke(
    path: Sequence[tuple[float, float, float]],
    variants: Sequence[Variant],
    rng: np.random.Generator,
    build: Build,
    slack: float,
) -> list[Key]:
    pose = sample_pose(rng, variants[0], build, slack)
    sway = np.array(variants[0].view_slack) * slack * 0.6 * rng.standard_normal(3)
    return [
        Key(
            time_s=share,
            label="",
            phase="stroke",
            pose=replace(pose, wrist=pose.wrist + np.subtract(variant.wrist, variants[0].wrist)),
            view=np.array(variant.view) + sway,
            place=np.array([x, y]),
        )
        for (share, x, y), variant in zip(path, variants, strict=True)
    ]
