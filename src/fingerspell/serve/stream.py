"""`WS /v1/stream`: camera frames in, letters, text and word proposals out, as they come.

The newest frame wins: while one is read, each further one takes the place of the one that waits.
The text belongs to the socket and ends with it. Only the text is kept, and of the last frame a
thumbnail.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from fingerspell.errors import ConfigError, FingerspellError, require, require_one_of
from fingerspell.labels import chosen_labels
from fingerspell.live import Live, LiveRules, rules_at
from fingerspell.live.words import Decoded
from fingerspell.serve import stream_messages as said
from fingerspell.serve.gate import SUBPROTOCOL
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError, busy, too_large
from fingerspell.serve.service import Service
from fingerspell.serve.sessions import Spelling, after, cleared, undone
from fingerspell.serve.upload import from_base64

_log = logging.getLogger("uvicorn.error")

_SEND_S = 10.0
_FLOOD_S = 0.005
"""Pause after a frame that took another's place: no more than 200 a second are received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a socket asked for in its address."""

    labels: tuple[str, ...] | None
    rules: LiveRules
    words: bool
    top: int


_KINDS: dict[str, Callable[[str], Any]] = {"rules": str, "votes": int, "hold_s": float}


def asked_of(query: Mapping[str, str], service: Service) -> Asked:
    """Reads the fields of a socket's address; raises `FingerspellError` for one that cannot be."""
    names, known = ("labels", *_KINDS, "words", "top"), service.recogniser
    for name in query:
        require_one_of("a field of the address", name, names, "omit it")
    labels = chosen_labels(query["labels"][:1000], known.labels) if query.get("labels") else None
    given = {name: _number(name, query[name]) for name in _KINDS.keys() & query.keys()}
    rules = rules_at(known.labels, known.threshold, **given) if given else service.rules
    words = query.get("words", "1" if service.words is not None else "0")
    require_one_of("words", words[:20], ("0", "1"), "use 1 for on, 0 for off")
    require(
        words == "0" or service.words is not None,
        found="words=1",
        expected="a server that proposes words",
        fix="start it with --words, or omit words",
    )
    top = _number("top", query["top"]) if "top" in query else service.limits.top
    require(top >= 1, found=f"top={top}", expected="1 or more labels", fix="omit top")
    return Asked(labels=labels, rules=rules, words=words == "1", top=top)


def _number(name: str, text: str) -> Any:
    try:
        return _KINDS.get(name, int)(text)
    except ValueError as error:
        raise ConfigError(
            found=f"{name}={text[:20]!r}", expected="a number", fix=f"omit {name}"
        ) from error


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    picture: bytes
    arrived_s: float
    taken_s: float | None = None


class _Stream:
    """One open socket. `_turn` makes answers and changes of the text come one after the other."""

    def __init__(self, socket: WebSocket, service: Service, asked: Asked) -> None:
        self._socket = socket
        self._service = service
        self._asked = asked
        self._spelling = Spelling()
        self._newest: deque[_Frame] = deque(maxlen=1)
        self._come = asyncio.Event()
        self._turn = anyio.Lock()
        self._received = self._answered = 0
        self._taken_s = 0.0

    async def run(self) -> None:
        """Answers until the client leaves, or says nothing for too long."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._answer_frames)
            try:
                while True:
                    with anyio.fail_after(self._service.limits.stream_idle_s):
                        message = await self._socket.receive()
                    if message["type"] == "websocket.disconnect":
                        break
                    await self._take(message.get("bytes"), message.get("text"))
            finally:
                tasks.cancel_scope.cancel()

    async def _take(self, picture: bytes | None, text: str | None) -> None:
        try:
            if picture is not None:
                await self._take_frame(picture, None)
                return
            message = said.FROM_CLIENT.validate_json(text or "")
            if isinstance(message, said.FrameMessage):
                picture = from_base64(message.image_base64.encode("utf-8", "replace"))
                await self._take_frame(picture, message.at_ms / 1000)
            else:
                await self._change(message)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in wrong["loc"])
            await self._send(said.problem_message(RequestError(
                400, found=f"a message that cannot be read ({where or 'JSON'}: {wrong['msg']})",
                expected='the bytes of a picture, or {"type": "frame" | "clear" | "undo", …}',
                fix="see docs/protocol.md",
            ), None))  # fmt: skip
        except RequestError as error:
            await self._send(said.problem_message(error, self._received))

    async def _take_frame(self, picture: bytes, taken_s: float | None) -> None:
        self._received += 1
        limits = self._service.limits
        if len(picture) > limits.frame_bytes:
            raise too_large(limits.frame_bytes)
        if taken_s is not None and taken_s < self._taken_s:
            raise RequestError(
                400,
                found=f"a frame of {taken_s * 1000:g} ms after one of {self._taken_s * 1000:g} ms",
                expected="at_ms that never goes back",
                fix="use a clock that only goes forward, such as performance.now()",
            )
        self._taken_s = self._taken_s if taken_s is None else taken_s
        stale = bool(self._newest)
        arrived_s = self._service.sessions.clock()
        self._newest.append(_Frame(self._received, picture, arrived_s, taken_s))
        self._come.set()
        if stale:
            self._service.metrics.frames.labels("dropped").inc()
            await asyncio.sleep(_FLOOD_S)

    async def _change(self, message: said.ClearMessage | said.UndoMessage) -> None:
        async with self._turn:
            if isinstance(message, said.ClearMessage):
                self._spelling = cleared(self._spelling)
            else:
                self._spelling = undone(self._spelling, self._asked.rules)
            live = self._spelling.live
            decoded = await self._service.traffic.run(self._word, live)
            await self._send(said.text_message(live, decoded))

    async def _answer_frames(self) -> None:
        while True:
            await self._come.wait()
            self._come.clear()
            async with self._turn:
                answer = await self._service.traffic.run(self._read_newest)
                if answer is not None:
                    await self._send(answer)

    def _read_newest(self) -> said.AnswerMessage | said.ProblemMessage | None:
        """Reads the frame that waits, in a thread: which one is decided when its turn has come."""
        try:
            frame = self._newest.popleft()
        except IndexError:
            return None
        dropped, self._answered = frame.number - self._answered - 1, frame.number
        service, fates = self._service, self._service.metrics.frames
        try:
            seen = service.read(
                frame.picture, self._asked.labels, service.limits.quick_pixels, watched=True
            )
        except RequestError as error:
            fates.labels("refused").inc()
            return said.problem_message(error, frame.number)
        self._spelling = after(
            self._spelling, seen.frame, self._asked.rules,
            arrived_s=frame.arrived_s, taken_s=frame.taken_s, picture=seen.picture,
        )  # fmt: skip
        live = self._spelling.live
        fates.labels("answered").inc()
        return said.AnswerMessage(
            frame=frame.number,
            dropped=dropped,
            at_ms=None if frame.taken_s is None else frame.taken_s * 1000,
            hand=seen.frame.hand,
            **service.told(seen, live, self._word(live), self._asked.top).model_dump(),
        )

    def _word(self, live: Live) -> Decoded | None:
        return self._service.word(live) if self._asked.words else None

    async def _send(self, message: BaseModel) -> None:
        with anyio.fail_after(_SEND_S):
            await self._socket.send_text(message.model_dump_json())


def add_stream(app: FastAPI, service: Service) -> None:
    """Adds `WS /v1/stream` to an app."""

    @app.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None)
        with contextlib.suppress(WebSocketDisconnect):
            await _serve(socket, service)


async def _serve(socket: WebSocket, service: Service) -> None:
    """Answers one accepted socket until it ends."""
    limits, traffic = service.limits, service.traffic
    try:
        if traffic.streams >= limits.streams:
            raise busy(f"{traffic.streams} streams that are open already")
        asked = asked_of(socket.query_params, service)
    except FingerspellError as error:
        await socket.send_text(said.problem_message(error, None).model_dump_json())
        full = isinstance(error, RequestError) and error.status == 503
        return await socket.close(1013 if full else 1008)
    traffic.streams += 1
    try:
        await socket.send_text(_ready(service, asked, limits).model_dump_json())
        await _Stream(socket, service, asked).run()
    except* (WebSocketDisconnect, RuntimeError):
        pass  # It left while an answer was on its way.
    except* TimeoutError:
        await socket.close(1001, "idle")
    finally:
        traffic.streams -= 1
    return None


def _ready(service: Service, asked: Asked, limits: Limits) -> said.ReadyMessage:
    known = service.recogniser
    return said.ReadyMessage(
        model=known.name,
        labels=list(asked.labels or known.allowed),
        threshold=known.threshold,
        mock=known.mock,
        words=asked.words,
        frame_bytes=limits.frame_bytes,
    )
