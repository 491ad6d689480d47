"""Limits of the server: sizes, sessions, parallel requests."""

from __future__ import annotations

from dataclasses import dataclass

from fingerspell.errors import checks_of
from fingerspell.runtime.interpreter import usual_interpreters

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
