"""The text of every client that is spelling, in memory, bounded in number and in time.

A session is one frame after the other, each at its moment, and the rules of `fingerspell.live`
decide when a sign counts:

* A stream (from about 60 frames a second down to one every 3 seconds): a letter counts when enough
  evidence for it added up, in at least two frames; a double letter needs a release or a bounce.
* Single photographs, one a sign: send `commit=now` with each, and each counts at once if it is
  at or above the threshold. Without it two photographs that agree are needed.

Of the last picture a thumbnail is kept, to see whether the hand moves, and of no other anything. A
session that is idle for 15 minutes is forgotten with its text. So is, where there are 1000 others,
the least recently used one of the client that has most of them: nobody can push out others.
"""

import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from fingerspell.live import Frame, Live, LiveRules, commit_now, step, typed
from fingerspell.runtime.motion import Thumbnail, motion
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError

_DELETE = "del"


@dataclass(frozen=True, slots=True)
class Spelling:
    """One stream's live state, and when (seconds) and how its last frame was.

    `arrived_s` is of the server's clock, `taken_s` of the client's, where it tells.
    """

    live: Live = field(default_factory=Live)
    arrived_s: float | None = None
    taken_s: float | None = None
    picture: Thumbnail | None = None


def after(
    before: Spelling,
    frame: Frame,
    rules: LiveRules,
    *,
    arrived_s: float,
    taken_s: float | None = None,
    now: bool = False,
    picture: Thumbnail | None = None,
) -> Spelling:
    """Folds one frame into a stream, or with `now` one photograph that is a whole sign.

    `picture` is what the frame looked like: with that of the frame before it says whether the hand
    moves. Time is the client's where it told it for this frame and the one before. A frame that was
    overtaken by a later one came too late for the vote and changes nothing.
    """
    if picture is not None:
        frame = replace(frame, motion=motion(before.picture, picture))
    elapsed_s = arrived_s - (arrived_s if before.arrived_s is None else before.arrived_s)
    if taken_s is not None and before.taken_s is not None:
        elapsed_s = taken_s - before.taken_s
    if now:
        live = commit_now(before.live, frame, rules)
    elif elapsed_s < 0:
        return before
    else:
        live = step(before.live, frame, elapsed_s, rules)
    latest_s = arrived_s if before.arrived_s is None else max(arrived_s, before.arrived_s)
    return Spelling(live, latest_s, taken_s, picture)


def cleared(spelling: Spelling) -> Spelling:
    """Returns a stream without its text; a sign that is still held is not written again."""
    return replace(spelling, live=replace(spelling.live, signs=(), counted=None))


def undone(spelling: Spelling, rules: LiveRules) -> Spelling:
    """Returns a stream without the last sign of its text."""
    return replace(spelling, live=typed(spelling.live, _DELETE, rules))


@dataclass(frozen=True, slots=True)
class _Session:
    owner: str
    spelling: Spelling


class Sessions:
    """All sessions of a server. `clock` gives seconds that never run backwards."""

    def __init__(self, rules: LiveRules, limits: Limits, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.rules = rules
        self._limits = limits
        self._kept: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def create(self, owner: str = "") -> str:
        """Makes a session with a name that nobody can guess; returns it. `owner` is a client."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._put(name, owner, Spelling(arrived_s=self.clock()))
        return name

    def fold(
        self,
        name: str,
        frame: Frame,
        at_s: float,
        *,
        taken_s: float | None = None,
        now: bool = False,
        picture: Thumbnail | None = None,
        owner: str = "",
    ) -> Live:
        """Adds a frame that arrived at `at_s` to a session; returns the session after it.

        A session that is not there is made, as one of `owner`. For the rest see `after`.
        """
        with self._lock:
            self._forget_idle(at_s)
            kept = self._kept.get(name, _Session(owner, Spelling()))
            spelling = after(
                kept.spelling, frame, self.rules,
                arrived_s=at_s, taken_s=taken_s, now=now, picture=picture,
            )  # fmt: skip
            self._put(name, kept.owner, spelling)
            return spelling.live

    def read(self, name: str) -> Live:
        """Returns a session; raises `RequestError` 404 where there is none of that name."""
        with self._lock:
            return self._found(name).spelling.live

    def clear(self, name: str) -> Live:
        """Empties a session's text; returns the session. Raises as `read` does."""
        return self._change(name, cleared)

    def undo(self, name: str) -> Live:
        """Takes back the last sign of a session's text; returns the session. Raises as `read`."""
        return self._change(name, lambda spelling: undone(spelling, self.rules))

    def forget(self, name: str) -> None:
        """Forgets a session with its text; raises as `read` does."""
        with self._lock:
            self._found(name)
            del self._kept[name]

    def _change(self, name: str, change: Callable[[Spelling], Spelling]) -> Live:
        with self._lock:
            found = self._found(name)
            self._kept[name] = replace(found, spelling=change(found.spelling))
            return self._kept[name].spelling.live

    def _found(self, name: str) -> _Session:
        self._forget_idle(self.clock())
        try:
            return self._kept[name]
        except KeyError:
            raise RequestError(
                404,
                found="no session of that name",
                expected=f"one whose last frame is at most {self._limits.session_idle_s:g} s old",
                fix="make one with POST /v1/sessions, or send frames to begin anew",
            ) from None

    def _put(self, name: str, owner: str, spelling: Spelling) -> None:
        self._kept[name] = _Session(owner, spelling)
        self._kept.move_to_end(name)
        if len(self._kept) > self._limits.sessions:
            owners = Counter(one.owner for one in self._kept.values())
            most = max(owners.values())
            del self._kept[next(x for x, y in self._kept.items() if owners[y.owner] == most)]

    def _forget_idle(self, at_s: float) -> None:
        # Sorted by last use: as soon as one is young enough, all others are.
        while self._kept:
            name, oldest = next(iter(self._kept.items()))
            if at_s - (oldest.spelling.arrived_s or 0.0) <= self._limits.session_idle_s:
                return
            del self._kept[name]
