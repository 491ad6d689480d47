"""From frames to text: smoothing, holding and writing as one state machine.

No clock and nothing shared: the caller keeps the state and says how much time went by.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from fingerspell.errors import checks_of
from fingerspell.live import commit, smoothing
from fingerspell.live.commit import Held, Holding
from fingerspell.live.smoothing import Frame, Smoothed, Smoothing

_SPACE = "space"
_DELETE = "del"


def _written(signs: tuple[str, ...], label: str, max_chars: int) -> tuple[str, ...]:
    """Returns what stands written, sign by sign, after one sign more.

    `space` adds one space, never a second and never at the start. `del` takes back what the last
    sign wrote, as a whole: a label may have several characters. Any other label is added as it
    is, unless the text would grow beyond `max_chars`: what is already written is never pushed out.
    """
    if label == _DELETE:
        return signs[:-1]
    addition = " " if label == _SPACE else label
    if label == _SPACE and (not signs or signs[-1].endswith(" ")):
        return signs
    fits = sum(map(len, signs)) + len(addition) <= max_chars
    return (*signs, addition) if fits else signs


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRules:
    """All rules of a live session; `max_chars` caps its text.

    `del` works once a hold and does not repeat while held: a hand that is misread as `del` for a
    second would otherwise eat a word, and nothing brings it back.
    """

    smoothing: Smoothing
    holding: Holding = field(default_factory=Holding)
    max_chars: int = 1000

    def __post_init__(self) -> None:
        checks_of(self)("max_chars", self.max_chars >= 1, "room for at least one character",
                        "use 1000")  # fmt: skip


def rules_at(
    threshold: float, *, votes: int | None = None, hold_s: float | None = None
) -> LiveRules:
    """Returns the rules at a recogniser's threshold; a number that is `None` stays the usual one.

    Raises `ConfigError` for a number that cannot be.
    """
    smoothing = Smoothing(threshold=threshold)
    return LiveRules(
        smoothing=smoothing if votes is None else replace(smoothing, votes=votes),
        holding=Holding() if hold_s is None else Holding(hold_s=hold_s),
    )


@dataclass(frozen=True, slots=True)
class Live:
    """A session: what each sign wrote so far, and what the next frame needs.

    `counted` is the sign that the last frame completed (`None`: none). It may leave the text as
    it was: a second space, a `del` with nothing to delete.
    """

    signs: tuple[str, ...] = ()
    counted: str | None = None
    smoothed: Smoothed = field(default_factory=Smoothed)
    held: Held = field(default_factory=Held)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.signs)

    @property
    def shown(self) -> str | None:
        """The smoothed answer at this moment; `None` for no letter."""
        return self.smoothed.shown


@dataclass(frozen=True, slots=True)
class Counted:
    """One sign that counted: when (seconds from the start), which, and the text after it."""

    at_s: float
    label: str
    text: str


def step(state: Live, frame: Frame, elapsed_s: float, how: LiveRules) -> Live:
    """Folds one frame into the session, `elapsed_s` seconds after the one before."""
    smoothed = smoothing.step(state.smoothed, frame, elapsed_s, how.smoothing)
    held = commit.step(state.held, smoothed.shown, elapsed_s, how.holding)
    signs = state.signs
    if held.counted is not None:
        signs = _written(signs, held.counted, how.max_chars)
    return Live(signs, held.counted, smoothed, held)


def commit_now(state: Live, frame: Frame, how: LiveRules) -> Live:
    """Takes one photograph for one whole sign: no vote, no hold, no release.

    For callers where a person releases the shutter. Below the threshold, and for `nothing`, the
    text stays. The sign is locked, so that a stream that goes on does not write it again.
    """
    label = smoothing.vote_of(frame, how.smoothing)
    if label is None:
        return replace(state, counted=None)
    held = Held(locked=label, counted=label, frames=2)
    alone = smoothing.step(Smoothed(), frame, 0.0, how.smoothing)
    return Live(_written(state.signs, label, how.max_chars), label, alone, held)


def spell(frames: Iterable[tuple[float, Frame]], how: LiveRules) -> Iterator[Counted]:
    """Yields every sign that counts, as it counts, from (seconds, frame) pairs in time order."""
    state, before_s = Live(), None
    for at_s, frame in frames:
        state = step(state, frame, 0.0 if before_s is None else at_s - before_s, how)
        before_s = at_s
        if state.counted is not None:
            yield Counted(at_s, state.counted, state.text)


def spelled(frames: Iterable[tuple[float, Frame]], how: LiveRules) -> str:
    """Returns the text that a whole recording spells."""
    text = ""
    for counted in spell(frames, how):
        text = counted.text
    return text
