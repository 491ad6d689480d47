"""Every limit of the server, in one place."""

import math
from dataclasses import dataclass

from fingerspell.errors import checks_of
from fingerspell.runtime.recogniser import usual_interpreters

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Every limit of the server.

    `picture_bytes` is the largest picture, `frame_bytes` the largest of a WebSocket, `pixels` how
    many are unpacked of one (a JPEG may have four times as many, read at half its size), and beyond
    `quick_pixels` one picture is read at a time; it is a frame's limit. `repair_pixels`, times
    scans, are unpacked to mend a damaged JPEG, and one try is made. `batch` is how many a
    request may hold. `parallel` pictures are read at once, `waiting` requests are under
    way at once; more are told to come back. `sessions` are kept, each for `session_idle_s` after
    its last frame; `streams` WebSockets are open at once, each for `stream_idle_s` without a frame.

    A client has `header_s` for the head of a request and `body_s` for its body. `connections` are
    open at once. `client_connections` and `client_rate` (requests a second) are a client address's
    share, 0 for no limit of its own. `top` is how many labels an answer lists. `collected` pictures
    of the studio are kept in its folder.
    """

    picture_bytes: int = 10 * MEGABYTE
    frame_bytes: int = MEGABYTE
    pixels: int = 16_000_000
    quick_pixels: int = 4_000_000
    repair_pixels: int = 64_000_000
    batch: int = 32
    sessions: int = 1000
    session_idle_s: float = 900.0
    session_id_chars: int = 128
    streams: int = 256
    stream_idle_s: float = 300.0
    parallel: int = usual_interpreters()
    waiting: int = 128
    connections: int = 512
    client_connections: int = 0
    client_rate: float = 0.0
    header_s: float = 10.0
    body_s: float = 60.0
    top: int = 5
    collected: int = 5000

    def __post_init__(self) -> None:
        check = checks_of(self)
        for name in self.__slots__:
            value, may_be_off = getattr(self, name), name.startswith("client_")
            holds = math.isfinite(value) and (value > 0 or (may_be_off and value == 0))
            expected = "0 (no limit) or a limit above it" if may_be_off else "a limit above 0"
            check(name, holds, expected, f"omit {name} for its default")

    @property
    def body_bytes(self) -> int:
        """Longest request body: base64 makes a picture a third longer, forms add a little."""
        return self.picture_bytes * 4 // 3 + MEGABYTE // 16

    @property
    def message_bytes(self) -> int:
        """Longest message of a WebSocket: a frame, possibly in base64."""
        return self.frame_bytes * 4 // 3 + MEGABYTE // 16

    @property
    def held_bytes(self) -> int:
        """How many bytes of bodies are held at once, of all requests together."""
        return 4 * self.body_bytes

    @property
    def drained_bytes(self) -> int:
        """How much of a too long body is read and thrown away, so that its sender, still busy
        sending, gets to read the answer. Beyond it the connection is closed."""
        return 4 * self.body_bytes
