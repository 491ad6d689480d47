"""What every route works with: the recogniser, the rules, and how a picture is read."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from fingerspell.errors import PictureError
from fingerspell.images import decode, pixel_count
from fingerspell.live import Frame, Live, LiveRules
from fingerspell.live.words import Decoded, WordList, last_word
from fingerspell.live.words import decode as decode_word
from fingerspell.runtime import Answer, Predictor
from fingerspell.runtime.motion import Thumbnail, thumbnail
from fingerspell.serve import messages
from fingerspell.serve.limits import Limits
from fingerspell.serve.metrics import Metrics
from fingerspell.serve.problems import no_picture
from fingerspell.serve.sessions import Sessions
from fingerspell.serve.traffic import Traffic

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """What one picture showed and to whom, what it looked like where that was asked for, and how
    long reading it took."""

    by: Predictor
    answer: Answer
    frame: Frame
    picture: Thumbnail | None
    time_ms: float


@dataclass(slots=True)
class Service:
    """What an app serves, and with what. Recogniser and rules may be exchanged at any moment."""

    recogniser: Predictor
    limits: Limits
    rules: LiveRules
    words: WordList | None
    sessions: Sessions
    sessions_allowed: bool
    traffic: Traffic
    metrics: Metrics

    async def in_turn(self, call: Callable[[bool], T | None]) -> T:
        """Returns what a call gives in a thread: first `call(False)`, which gives None where its
        picture is large, then, apart from the others, `call(True)`."""
        done = await self.traffic.run(call, False)
        if done is None:
            done = await self.traffic.run_apart(call, True)
        assert done is not None
        return done

    def read_in_turn(
        self, picture: bytes, labels: tuple[str, ...] | None, large: bool, *, watched: bool = False
    ) -> Seen | None:
        """Reads one picture as `read` does; None for a large one unless `large` ones may come."""
        pixels = None if large else pixel_count(picture)
        if not large and (pixels is None or pixels > self.limits.quick_pixels):
            return None
        return self.read(picture, labels, self.limits.pixels, watched=watched)

    def read(
        self, picture: bytes, labels: tuple[str, ...] | None, most_pixels: int, *, watched: bool
    ) -> Seen:
        """Decodes and reads one picture; raises `RequestError` 415 where it is none.

        A picture of a session is `watched`: what it looks like tells whether the hand moves.
        """
        start_s, known = time.perf_counter(), self.recogniser
        try:
            rgb = decode(picture, most_pixels, self.limits.repair_pixels)
        except PictureError as error:
            raise no_picture(error) from error
        answer, hand = known.watch(rgb, labels)
        frame = Frame(tuple(answer.probabilities.tolist()), hand)
        small = thumbnail(rgb) if watched else None
        seconds = time.perf_counter() - start_s
        self.metrics.picture_seconds.observe(seconds)
        return Seen(known, answer, frame, small, seconds * 1000)

    def word(self, live: Live | None) -> Decoded | None:
        """Returns what the word that is being spelled may be, where words are switched on."""
        if self.words is None or live is None:
            return None
        return decode_word(last_word(live.signs), self.words)

    def told(
        self, seen: Seen, live: Live | None, decoded: Decoded | None, top: int | None = None
    ) -> messages.PictureAnswer:
        """Returns the body of an answer, with the `top` likeliest labels or as many as usual."""
        return messages.picture_answer(
            seen.answer,
            live,
            decoded,
            threshold=seen.by.threshold,
            time_ms=seen.time_ms,
            mock=seen.by.mock,
            top=top or self.limits.top,
        )
