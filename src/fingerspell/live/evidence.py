"""When a sign counts: evidence that adds up over time, and a lock that the same sum releases.

Every label gathers seconds of evidence, and loses them while it is unlikely:

    E' = max(0, E + dt * clip(log(p / share), -1, log(1 / share)))

A sign counts when its E reaches what is needed; then all start again from 0. The sign that counted
last is locked: it gathers nothing until it was away for `release_s`, by the same sum turned round
(p and `share` change places). Another sign that counts takes the lock over: A B A needs no pause.

A frame in motion speaks for no letter but J and Z, and as if the locked sign were away; so does a
frame whose hand is not where it was when the sign counted. That makes a double letter of a bounce
and of a slide, but no triple: a hand that trembles does not write on and on.

Time and not the number of frames makes evidence, so 5 and 30 frames a second reach the same text.
`dt` is the time since the frame before, at most a part of what is needed: after a pause one frame
never stands for more than its share, and a single one never writes (`least_frames`). The first
frame stands for as long as the second. Frames further apart than `gap_s` say nothing about each
other: everything but the text is forgotten.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fingerspell.errors import checks_of
from fingerspell.labels import CONTROLS, MOVING, NOTHING
from fingerspell.live.frame import Frame, Sign

Row = tuple[float, ...]
"""Probabilities in label order."""

_ROUNDING_S = 1e-6
"""Sums of frame times miss the exact need by less than this."""

_LEAST_P = 1e-9
"""Below it a logarithm says no more."""

_SHORTEST_S = 1e-3
"""What a need of no time is taken for, so that its frames can still be told apart."""

_ABOVE_CALM, _MOST_CALM, _CALM_PER_S = 1.3, 0.2, 0.005
"""A camera's noise, or a lamp's flicker, changes every picture. So motion is also above so many
times the calmest frame of late, but at most this, which a moving hand exceeds. What is calm rises
by so much a second until a calmer frame comes: faster, and a hand that never rests would be it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How much evidence makes a sign, in seconds unless said otherwise.

    `share`: the probability from which a frame speaks for a label. `need_s`: what a sign needs.
    `release_s`: how long a sign is away before it may count again.

    A word opens with certainty. Its first letter waits from `need_s` on, until it was seen for
    `open_need_s` in all with one frame as sure as `open_probability`, or until another letter
    follows within `vouch_s` after it. The letters `vouched` always need another: D is also the
    hand that points or shows a 1. Controls need `open_need_s` where no word is open. A word ends
    with a space, or `idle_s` after its last letter.

    A frame stands for `frame_s` at most, and no sign counts, and none is released, by fewer than
    `least_frames`. Frames further apart than `gap_s` say nothing about each other.

    A frame is in motion where the picture's change is above `moving` (standard deviations; of
    frames further apart than `near_s` as much more) and well above the calmest frame's of late.
    Of frames within `near_s` it then speaks for J and Z alone: later, the change says that there
    was motion and not that there is. Up to `apart_s` it speaks as if the locked sign were away.
    `shift`: how far from its place, in sides of the hand, a hand is elsewhere; the place follows
    the hand within `follow_s`. Where a hand did not move since a sign counted, another sign needs
    `rest_factor` times as much.
    """

    share: float = 0.3
    need_s: float = 0.15
    open_need_s: float = 0.25
    open_probability: float = 0.97
    vouch_s: float = 1.5
    vouched: str = "D"
    idle_s: float = 3.0
    release_s: float = 0.15
    frame_s: float = 0.25
    least_frames: int = 2
    gap_s: float = 3.0
    moving: float = 0.14
    near_s: float = 0.08
    apart_s: float = 0.5
    rest_factor: float = 2.0
    shift: float = 0.1
    follow_s: float = 0.5

    def __post_init__(self) -> None:
        check = checks_of(self, "evidence.")
        for name in ("need_s", "open_need_s", "release_s"):
            check(name, 0 <= getattr(self, name) < self.gap_s,
                  f"seconds from 0 to below {self.gap_s:g} (gap_s)", "use 0.15")  # fmt: skip
        above_0 = (
            "vouch_s",
            "idle_s",
            "frame_s",
            "moving",
            "near_s",
            "apart_s",
            "shift",
            "follow_s",
        )
        for name in above_0:
            check(name, getattr(self, name) > 0, "a number above 0", f"omit {name}")
        check("least_frames", self.least_frames >= 2, "2 or more: one stray frame must not write",
              "use 2")  # fmt: skip
        check("rest_factor", self.rest_factor >= 1, "1 or more", "use 2")
        check("share", 0 < self.share < 1, "a probability between 0 and 1", "use 0.3")
        check("open_probability", 0 <= self.open_probability <= 1, "a probability", "use 0.8")


@dataclass(frozen=True, slots=True)
class Gathering:
    """One label's evidence, and the mean of the frames that spoke for it.

    `total` (C,) is the sum of their probabilities, each times its seconds; `surest` the label's
    highest probability among them. A `fixed` one is complete: it does not go on while held.
    """

    index: int
    start_s: float
    end_s: float
    evidence_s: float = 0.0
    surest: float = 0.0
    seconds: float = 0.0
    total: Row = ()
    fixed: bool = False

    def sign(self, label: str) -> Sign:
        """Returns the sign that this is."""
        mean = tuple(p / self.seconds for p in self.total)
        return Sign(label, self.start_s, self.end_s, mean)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What all labels have gathered at `at_s` seconds of the stream, and the lock.

    `counted`: the last frame completed the locked sign, and with it `opener`, if there is one, the
    letter before. `place` is where the locked sign's hand is, `moved` whether it may have moved
    since, `doubled` whether it is the second of two that a stir of the hand made, `stirred` the
    label that a stir released. `open_s` is until when the word is open, `waits_s` until when
    `waiting`, a first letter, may count. `first` waits for a second frame (`started`). `calm` is
    the motion of the calmest frame of late. `rested`: the hand was still since the sign counted, so
    that its next motion is not the end of how it came.
    """

    at_s: float = 0.0
    labels: tuple[Gathering, ...] = ()
    locked: Gathering | None = None
    counted: bool = False
    opener: Gathering | None = None
    away_s: float = 0.0
    place: tuple[float, float] | None = None
    doubled: bool = False
    stirred: int | None = None
    open_s: float = -math.inf
    waiting: Gathering | None = None
    waits_s: float = -math.inf
    first: tuple[Row, Frame] | None = None
    started: bool = False
    moved: bool = True
    calm: float = math.inf
    rested: bool = True


def step(
    state: Gathered, speaks: Row, frame: Frame, elapsed_s: float, labels: Sequence[str],
    how: Evidence,
) -> Gathered:  # fmt: skip
    """Folds in a frame, `elapsed_s` seconds after the one before; `speaks` (C,) is what it says."""
    at_s = state.at_s + elapsed_s
    if not state.started or elapsed_s > how.gap_s:
        return Gathered(at_s, first=(speaks, replace(frame, motion=None)), started=True)
    if state.first is not None:
        state = _fold(replace(state, first=None), *state.first, elapsed_s, labels, how)
    return _fold(replace(state, at_s=at_s), speaks, frame, elapsed_s, labels, how)


def locked(state: Gathered, sign: Gathering, frame: Frame, label: str, how: Evidence) -> Gathered:
    """Returns the state after a sign counted: all labels start again."""
    is_letter = label not in CONTROLS
    return Gathered(
        at_s=state.at_s,
        locked=sign,
        counted=True,
        opener=_opener(state, sign) if is_letter else None,
        place=_place(frame),
        doubled=state.stirred == sign.index,
        open_s=state.at_s + how.idle_s if is_letter else -math.inf,
        started=True,
        moved=False,
        calm=state.calm,
    )


def _opener(state: Gathered, sign: Gathering) -> Gathering | None:
    """Returns the waiting first letter for which another one vouches, if there is one."""
    first = state.waiting
    follows = first is not None and first.index != sign.index and state.at_s <= state.waits_s
    return first if follows else None


def _place(frame: Frame) -> tuple[float, float] | None:
    return None if frame.hand is None else frame.hand[:2]


def _fold(
    state: Gathered, speaks: Row, frame: Frame, elapsed_s: float, labels: Sequence[str],
    how: Evidence,
) -> Gathered:  # fmt: skip
    """Returns the state after a frame that stands for the last `elapsed_s`."""
    moving = moves(state, frame, elapsed_s, how)
    calm = _calm(state, frame, elapsed_s)
    state = replace(state, counted=False, opener=None, calm=calm)
    state = _released(state, speaks, frame, moving, elapsed_s, labels, how)
    state = replace(state, moved=state.moved or moving or frame.motion is None)
    waits, sign = state.waiting, state.locked
    if waits and sign and sign.start_s == waits.start_s:
        if _opens(sign, labels, how):
            return locked(state, sign, frame, labels[sign.index], how)
        state = replace(state, waits_s=state.at_s + how.vouch_s)
    before = {gathering.index: gathering for gathering in state.labels}
    heard = {index: p for index, p in enumerate(speaks) if p > how.share or index in before}
    if moving and elapsed_s <= how.near_s:
        heard = {i: p if labels[i] in MOVING else 0.0 for i, p in heard.items()}
    dt, after, done = min(elapsed_s, how.frame_s), [], []
    for index, p in heard.items():
        if (sign and index == sign.index) or labels[index] == NOTHING:
            continue
        now = before.get(index) or Gathering(index, state.at_s, state.at_s)
        need_s = _need_s(now, state, labels, how)
        gain_s = _within(dt * _rate(p, how.share), need_s / how.least_frames)
        now = _grown(now, p, dt, state.at_s, frame) if gain_s > 0 else now
        now = replace(now, evidence_s=now.evidence_s + gain_s)
        after += [now] if now.evidence_s > _ROUNDING_S else []
        done += [now] if now.evidence_s >= need_s - _ROUNDING_S else []
    if not done:
        return replace(state, labels=tuple(after))
    best = max(done, key=lambda gathering: gathering.evidence_s)
    label = labels[best.index]
    if (
        _opens(best, labels, how)
        or best.start_s <= state.open_s
        or _opener(state, best) is not None
    ):
        state = locked(state, best, frame, label, how)
    else:
        state = replace(state, labels=(), locked=best, away_s=0.0, place=_place(frame),
                        waiting=best, waits_s=state.at_s + how.vouch_s)  # fmt: skip
    return replace(state, rested=not moving, place=None if moving else state.place)


def _opens(sign: Gathering, labels: Sequence[str], how: Evidence) -> bool:
    """Whether a sign is certain enough to open a word alone."""
    label = labels[sign.index]
    sure = sign.surest >= how.open_probability
    held = sign.seconds >= max(how.need_s, how.open_need_s) - _ROUNDING_S
    return label in CONTROLS or (sure and held and label not in how.vouched)


def _need_s(now: Gathering, state: Gathered, labels: Sequence[str], how: Evidence) -> float:
    """Returns what a label needs: more for a control where no word was open when it began."""
    waits = labels[now.index] not in CONTROLS or now.start_s <= state.open_s
    need_s = max(how.need_s, 0.0 if waits else how.open_need_s, _SHORTEST_S)
    return need_s if state.moved else need_s * how.rest_factor


def moves(state: Gathered, frame: Frame, elapsed_s: float, how: Evidence) -> bool:
    """Whether the picture changed so much that the hand moves, or did since the frame before."""
    if frame.motion is None or elapsed_s > how.apart_s:
        return False
    noise = min(_ABOVE_CALM * _calm(state, frame, elapsed_s), _MOST_CALM)
    return frame.motion > max(how.moving * max(1.0, elapsed_s / how.near_s), noise)


def _calm(state: Gathered, frame: Frame, elapsed_s: float) -> float:
    """Returns the motion of the calmest frame of late, this one among them unless it came twice."""
    return min(state.calm + _CALM_PER_S * elapsed_s, frame.motion or math.inf)


def _grown(now: Gathering, p: float, dt: float, at_s: float, frame: Frame) -> Gathering:
    """Returns a label's evidence with the mean of a frame more that spoke for it."""
    total = now.total or (0.0,) * len(frame.probabilities)
    return replace(
        now,
        end_s=at_s,
        surest=max(now.surest, p),
        seconds=now.seconds + dt,
        total=tuple(a + dt * b for a, b in zip(total, frame.probabilities, strict=True)),
    )


def _released(
    state: Gathered, speaks: Row, frame: Frame, moving: bool, elapsed_s: float,
    labels: Sequence[str], how: Evidence,
) -> Gathered:  # fmt: skip
    """Returns the state in which the locked sign was away, or seen, for one frame more."""
    sign, place = state.locked, state.place
    if sign is None:
        return state
    p, dt = speaks[sign.index], min(elapsed_s, how.frame_s)
    elsewhere = False
    if p > how.share and (not moving or labels[sign.index] in MOVING):
        sign = sign if sign.fixed else _grown(sign, p, dt, state.at_s, frame)
        place, elsewhere = _placed(place, frame, elapsed_s, how)
    stirs = (moving or elsewhere) and labels[sign.index] not in MOVING and not state.doubled
    stirs, rested = stirs and state.rested, state.rested or not moving
    release_s = max(how.release_s, _SHORTEST_S)
    gone = -math.log(how.share) if stirs else -_rate(p, how.share)
    gone_s = _within(dt * gone, release_s / how.least_frames)
    away_s = max(0.0, state.away_s + gone_s)
    # A hand that only moves comes to rest first: one that never does would write again and again.
    if not moving and max(away_s, state.away_s) >= release_s - _ROUNDING_S:
        stirred = sign.index if p > how.share else None
        return replace(state, locked=None, away_s=0.0, place=None, stirred=stirred, doubled=False)
    away_s, moved = min(away_s, release_s), state.moved or elsewhere
    return replace(state, locked=sign, away_s=away_s, place=place, moved=moved, rested=rested)


def _placed(
    place: tuple[float, float] | None, frame: Frame, elapsed_s: float, how: Evidence
) -> tuple[tuple[float, float] | None, bool]:
    """Returns a sign's place after a frame, and whether the hand is elsewhere."""
    if place is None or frame.hand is None:
        return place or _place(frame), False
    x, y, side = frame.hand
    across, down = x - place[0], y - place[1]
    if math.hypot(across, down) > how.shift * side:
        return place, True
    part = min(elapsed_s / how.follow_s, 1.0)
    return (place[0] + part * across, place[1] + part * down), False


def _rate(p: float, share: float) -> float:
    """Returns the seconds of evidence that one second of probability `p` makes."""
    return max(-1.0, min(math.log(max(p, _LEAST_P) / share), -math.log(share)))


def _within(seconds: float, most_s: float) -> float:
    """Returns a time, forward or back, of at most `most_s`."""
    return max(-most_s, min(seconds, most_s))
