"""The text of every client that is spelling, in memory, bounded in number and in time.

A session is named by its client and made by its first request. Each request is one frame at the
moment it arrived, and the rules of `fingerspell.live` decide when a sign counts:

* A stream (from about 60 frames a second down to one every 3 seconds): a letter counts when enough
  evidence for it added up, in at least two frames; a double letter needs a release or a bounce.
* Single photographs, one a sign: send `commit=now` with each, and each counts at once if it is
  at or above the threshold. Without it two photographs that agree are needed.

Of the last picture a thumbnail is kept, to see whether the hand moves, and of no other anything. A
session that is idle for 15 minutes, or the least recently used one when there are 1000 others, is
forgotten with its text.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from fingerspell.errors import checks_of
from fingerspell.live import Frame, Live, LiveRules, commit_now, step
from fingerspell.runtime.motion import Thumbnail, motion
from fingerspell.runtime.recogniser import usual_interpreters

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every limit of the server.

    `picture_bytes` is the largest picture, `sessions` how many are kept (the least recently used
    goes first), `session_idle_s` how long an unused one is kept, `parallel` how many pictures
    are unpacked and read at once, `top` how many labels an answer lists.
    """

    picture_bytes: int = 10 * MEGABYTE
    sessions: int = 1000
    session_idle_s: float = 900.0
    session_id_chars: int = 128
    parallel: int = usual_interpreters()
    top: int = 5

    def __post_init__(self) -> None:
        check = checks_of(self)
        for name in self.__slots__:
            check(name, getattr(self, name) > 0, "a limit above 0", f"omit {name} for its default")

    @property
    def body_bytes(self) -> int:
        """Longest request body: base64 makes a picture a third longer, forms add a little."""
        return self.picture_bytes * 4 // 3 + MEGABYTE // 16

    @property
    def drained_bytes(self) -> int:
        """How much of a too long body is read and thrown away, so that its sender, still busy
        sending, gets to read the answer. Beyond it the connection is closed."""
        return 4 * self.body_bytes


@dataclass(frozen=True, slots=True)
class _Session:
    """A client's live state, and the moment (seconds of the store's clock) and look of its last
    frame."""

    live: Live
    at_s: float
    picture: Thumbnail | None = None


class Sessions:
    """All sessions of a server. `clock` gives seconds that never run backwards."""

    def __init__(self, rules: LiveRules, limits: Limits, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._rules = rules
        self._limits = limits
        self._kept: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def fold(
        self,
        name: str,
        frame: Frame,
        at_s: float,
        *,
        now: bool = False,
        picture: Thumbnail | None = None,
    ) -> Live:
        """Adds a frame that arrived at `at_s` to a session; returns the session after it.

        `picture` is what the frame looked like: with that of the frame before it says whether the
        hand moves.
        A frame of a stream that overtook others on its way through the server came too late for
        the vote and changes nothing.
        """
        with self._lock:
            self._forget_idle(at_s)
            before = self._kept.get(name, _Session(Live(), at_s))
            if picture is not None:
                frame = replace(frame, motion=motion(before.picture, picture))
            after = self._after(before, frame, at_s, now, picture)
            self._kept[name] = after
            self._kept.move_to_end(name)
            while len(self._kept) > self._limits.sessions:
                self._kept.popitem(last=False)
            return after.live

    def _after(
        self, before: _Session, frame: Frame, at_s: float, now: bool, picture: Thumbnail | None
    ) -> _Session:
        if now:
            live = commit_now(before.live, frame, self._rules)
        elif at_s < before.at_s:
            return before
        else:
            live = step(before.live, frame, at_s - before.at_s, self._rules)
        return _Session(live, max(at_s, before.at_s), picture)

    def _forget_idle(self, at_s: float) -> None:
        # Sorted by last use: as soon as one is young enough, all others are.
        while self._kept:
            name, oldest = next(iter(self._kept.items()))
            if at_s - oldest.at_s <= self._limits.session_idle_s:
                return
            del self._kept[name]
