"""From frames to text: voting, evidence, strokes and writing as one state machine.

No clock and nothing shared: the caller keeps the state and says how much time went by.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from fingerspell.errors import checks_of, require, require_one_of
from fingerspell.live import evidence, strokes, voting
from fingerspell.live.evidence import Evidence, Gathered, Gathering
from fingerspell.live.frame import Frame, Sign, check_elapsed
from fingerspell.live.strokes import SHAPES, Strokes, Way
from fingerspell.live.voting import Votes, Voting

_SPACE = "space"
_DELETE = "del"

RULES = ("evidence", "majority", "hold")
"""The rules by name, the usual ones first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRules:
    """All rules of a live session; `rules_at` makes them.

    `labels` are the recogniser's, in its order. `still_threshold` is the probability from which
    one photograph is a sign by itself (`commit_now`); streams have thresholds of their own.
    `voting` and `strokes` may be off (`None`). `max_chars` caps the text.

    `del` works once a hold and does not repeat while held: a hand that is misread as `del` for a
    second would otherwise eat a word, and nothing brings it back.
    """

    labels: tuple[str, ...]
    still_threshold: float
    evidence: Evidence = field(default_factory=Evidence)
    voting: Voting | None = None
    strokes: Strokes | None = None
    max_chars: int = 1000

    def __post_init__(self) -> None:
        check = checks_of(self)
        check("max_chars", self.max_chars >= 1, "room for at least one character", "use 1000")
        check("still_threshold", 0 <= self.still_threshold <= 1, "a probability from 0 to 1",
              "use 0.7")  # fmt: skip


def rules_at(
    labels: Iterable[str],
    threshold: float,
    *,
    rules: str = RULES[0],
    votes: int | None = None,
    hold_s: float | None = None,
) -> LiveRules:
    """Returns the rules of a name for a recogniser's labels and its threshold for stills.

    `evidence`: letters gather evidence from whole answers; J and Z are strokes. `majority`: the
    best label of more than half of the last 5 frames, each from 0.7 on, is written when it changes.
    `hold`: such a majority, at the still's threshold, is held for 0.4 s. `votes` and `hold_s` are
    other numbers for these; `None` is the usual one. Raises `ConfigError` for what cannot be.
    """
    require_one_of("rules", rules, RULES, f"use {RULES[0]}")
    require(votes is None or rules != "evidence", found=f"votes={votes} for rules='evidence'",
            expected="votes beside rules='majority' or 'hold'",
            fix="omit votes, or choose other rules")  # fmt: skip
    usual_s = {"evidence": Evidence().need_s, "majority": 0.0, "hold": 0.4}[rules]
    need_s = usual_s if hold_s is None else hold_s
    if rules == "evidence":
        gathered, voted = Evidence(need_s=need_s), None
    else:
        # One vote is one second of evidence a second, for or against.
        gathered = Evidence(
            share=math.exp(-1), need_s=need_s, open_need_s=need_s, open_probability=0.0,
            vouched="", release_s=0.0 if rules == "majority" else 0.25,
            rest_factor=1.0, moving=math.inf, shift=math.inf,
        )  # fmt: skip
        voted = Voting(threshold=0.7 if rules == "majority" else threshold)
        voted = voted if votes is None else replace(voted, votes=votes)
    return LiveRules(
        labels=tuple(labels),
        still_threshold=threshold,
        evidence=gathered,
        voting=voted,
        strokes=Strokes() if rules == "evidence" else None,
    )


def rules_as_json(rules: LiveRules) -> dict[str, Any]:
    """Returns the fields of rules by name, as JSON has them: `None` for what is infinite or off."""
    fields = asdict(rules)
    numbers = fields["evidence"].items()
    fields["evidence"] = {name: None if x == math.inf else x for name, x in numbers}
    return {**fields, "labels": list(rules.labels)}


@dataclass(frozen=True, slots=True)
class Live:
    """A session: the signs that stand written, and what the next frame needs.

    `counted` is the label of the sign that the last frame completed (`None`: none). It may leave
    the text as it was (a second space, a `del` with nothing to delete), and it may bring the
    letter before it, which was too unsure to open a word alone.
    """

    signs: tuple[Sign, ...] = ()
    counted: str | None = None
    shown: str | None = None
    votes: Votes = ()
    gathered: Gathered = field(default_factory=Gathered)
    ways: Mapping[str, Way] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(sign.written for sign in self.signs)


@dataclass(frozen=True, slots=True)
class Counted:
    """One sign that counted: when (seconds of the stream), which, and the text after it.

    `signs` are those that stand written, as they were then.
    """

    at_s: float
    label: str
    text: str
    signs: tuple[Sign, ...] = ()


def step(state: Live, frame: Frame, elapsed_s: float, rules: LiveRules) -> Live:
    """Folds one frame into the session, `elapsed_s` seconds after the one before."""
    check_elapsed(elapsed_s)
    votes, speaks = state.votes, _checked(frame, rules)
    if rules.voting is not None:
        best = voting.best_of(speaks, rules.voting.threshold, rules.labels)
        votes = voting.step(votes, best, elapsed_s, rules.voting)
        winner = voting.majority(votes)
        speaks = tuple(float(index == winner) for index in range(len(speaks)))
    labels, how = rules.labels, rules.evidence
    before = state.gathered.locked
    held = labels[before.index] if before is not None and before.fixed else None
    rests = frame.hand is not None and not evidence.moves(state.gathered, frame, elapsed_s, how)
    if rules.strokes is not None and (rests or held):
        speaks = strokes.as_shapes(speaks, labels, held)
    gathered = evidence.step(state.gathered, speaks, frame, elapsed_s, labels, how)
    signs, sign, ways = _held_on(state.signs, gathered, labels), gathered.locked, state.ways
    if rules.strokes is not None:
        ways, stroke = strokes.step(ways, frame, gathered.at_s, labels, rules.strokes)
        if stroke is not None:
            shape = SHAPES[labels[stroke.index]]
            signs = _less_its_shape(signs, shape, stroke.start_s)
            if gathered.waiting is not None and labels[gathered.waiting.index] in shape:
                gathered = replace(gathered, waiting=None)
            sign = stroke
            gathered = evidence.locked(gathered, sign, frame, labels[sign.index], how)
    if not gathered.counted or sign is None:
        return Live(signs, None, _shown(gathered, rules), votes, gathered, ways)
    for one in filter(None, (gathered.opener, sign)):
        signs = _written(signs, one.sign(labels[one.index]), rules.max_chars)
    return Live(signs, labels[sign.index], labels[sign.index], votes, gathered, ways)


def _checked(frame: Frame, rules: LiveRules) -> tuple[float, ...]:
    """Returns a frame's probabilities; raises `ConfigError` unless there is one for each label."""
    found, expected = len(frame.probabilities), len(rules.labels)
    require(
        found == expected,
        found=f"{found} probabilities",
        expected=f"one for each of {expected} labels",
        fix="make the rules with the recogniser's own labels",
    )
    return frame.probabilities


def _shown(gathered: Gathered, rules: LiveRules) -> str | None:
    """Returns the label that is on its way to be written, or else the one that still holds."""
    rising = max(gathered.labels, key=lambda one: one.evidence_s, default=None)
    if rising is not None and rising.evidence_s >= rules.evidence.need_s / 2:
        return rules.labels[rising.index]
    sign = gathered.locked
    held = sign is not None and gathered.away_s <= rules.evidence.release_s / 2
    return rules.labels[sign.index] if held and sign is not None else None


def _held_on(
    signs: tuple[Sign, ...], gathered: Gathered, labels: tuple[str, ...]
) -> tuple[Sign, ...]:
    """Returns the signs, of which the last goes on while it is held."""
    now = gathered.locked
    if now is None or gathered.counted or not signs or signs[-1].start_s != now.start_s:
        return signs
    longer = now.sign(labels[now.index])
    return (*signs[:-1], replace(longer, written=signs[-1].written))


def _less_its_shape(signs: tuple[Sign, ...], shape: str, since_s: float) -> tuple[Sign, ...]:
    """Returns the signs without the stills that a stroke turned out to be the beginning of."""
    while signs and signs[-1].label in shape and signs[-1].end_s > since_s:
        signs = signs[:-1]
    return signs


def _written(signs: tuple[Sign, ...], sign: Sign, max_chars: int) -> tuple[Sign, ...]:
    """Returns what stands written, sign by sign, after one sign more.

    `space` adds one space, never a second and never at the start. `del` takes back what the last
    sign wrote, as a whole: a label may have several characters. Any other label is added as it
    is, unless the text would grow beyond `max_chars`: what is already written is never pushed out.
    """
    if sign.label == _DELETE:
        return signs[:-1]
    addition = " " if sign.label == _SPACE else sign.label
    if sign.label == _SPACE and (not signs or signs[-1].label == _SPACE):
        return signs
    fits = sum(len(one.written) for one in signs) + len(addition) <= max_chars
    return (*signs, replace(sign, written=addition)) if fits else signs


def commit_now(state: Live, frame: Frame, rules: LiveRules) -> Live:
    """Takes one photograph for one whole sign: no vote, no evidence, no release.

    For callers where a person releases the shutter. Below the still's threshold, and for
    `nothing`, the text stays. The sign is locked, so that a stream that goes on does not write it
    again.
    """
    row = _checked(frame, rules)
    best = voting.best_of(row, rules.still_threshold, rules.labels)
    if best is None:
        return replace(state, counted=None)
    label, at_s = rules.labels[best], state.gathered.at_s
    sign = Gathering(best, at_s, at_s, seconds=1.0, total=row)
    gathered = evidence.locked(
        replace(state.gathered, waiting=None), sign, frame, label, rules.evidence
    )
    signs = _written(state.signs, sign.sign(label), rules.max_chars)
    return Live(signs, label, label, gathered=gathered)


def typed(state: Live, label: str, rules: LiveRules) -> Live:
    """Writes `label` as a key does: what the hand holds stays locked, and is not written again."""
    at_s = state.gathered.at_s
    sign = Sign(label, at_s, at_s, (0.0,) * len(rules.labels))
    return replace(state, signs=_written(state.signs, sign, rules.max_chars), counted=None)


def spell(frames: Iterable[tuple[float, Frame]], rules: LiveRules) -> Iterator[Counted]:
    """Yields every sign that counts, as it counts, from (seconds, frame) pairs in time order."""
    state, before_s = Live(), None
    for at_s, frame in frames:
        if before_s is None:
            state = Live(gathered=Gathered(at_s))
        state = step(state, frame, 0.0 if before_s is None else at_s - before_s, rules)
        before_s = at_s
        yield from _counted(state, at_s, rules.labels)


def _counted(state: Live, at_s: float, labels: tuple[str, ...]) -> Iterator[Counted]:
    """Yields the sign that the last frame completed, if any, after the one that it vouches for."""
    opener = state.gathered.opener
    if opener is not None:
        before = replace(state, signs=state.signs[:-1])
        yield Counted(at_s, labels[opener.index], before.text, before.signs)
    if state.counted is not None:
        yield Counted(at_s, state.counted, state.text, state.signs)


def spelled(frames: Iterable[tuple[float, Frame]], rules: LiveRules) -> str:
    """Returns the text that a whole recording spells."""
    text = ""
    for counted in spell(frames, rules):
        text = counted.text
    return text
