"""Connections that cannot hold the server up: time-outs, a limit in all, and one for each client.

uvicorn waits for ever for a request that has begun to come, and has no limit of connections that
lets the next one in. A client's time for a request's head and body runs on whatever it sends.
"""

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError, busy, refused, too_slow

_LINGER_S = 5.0
"""How long a closed connection has for the bytes that are still on their way to the client."""

_LATER_S = 2.0
"""How much later than the app the connection gives a slow body up: the app can still answer."""


class HttpConnection(H11Protocol):
    """An HTTP connection that is closed where its client takes too long, or others need room."""

    _owed: Any = None
    _timer: asyncio.TimerHandle | None = None

    @property
    def limits(self) -> Limits:
        """The limits of the app that is served."""
        return cast(Limits, self.config.app.state.traffic.limits)  # type: ignore[union-attr]

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Lets a client in, or tells it to come back where there is no room."""
        super().connection_made(transport)
        self.since_s = self.loop.time()
        address, most = self.client and self.client[0], self.limits.client_connections
        same = {x for x in set[Any](self.connections) if x.client and x.client[0] == address}
        has_room = self._make_room(same, most) if most else True
        if has_room and self._make_room(set(self.connections), self.limits.connections):
            self._watch()
        else:
            self._refuse(busy("more connections than there is room for"))

    def data_received(self, data: bytes) -> None:
        """Reads what came, and watches how long the rest takes."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Goes on with the next request; one that has begun to come has its time from now."""
        super().on_response_complete()
        if self.conn.trailing_data[0]:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        self._rest()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection without requests, also where its client reads nothing."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(_LINGER_S, self.transport.abort)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """Answers what is no HTTP, in the one shape of errors."""
        self._refuse(RequestError(
            400, found="bytes that are no HTTP request", expected="HTTP/1.1",
            fix="check the address: https:// or http://, and the port",
        ))  # fmt: skip

    def _make_room(self, others: set[Any], most: int) -> bool:
        """Closes the connection that waits longest for its client, where there are too many.

        Those without a request go first, then those whose request is still coming.
        """
        if len(others) <= most:
            return True
        mine = [x for x in others if isinstance(x, HttpConnection) and x is not self]
        waiting = [x for x in mine if x.is_idle or x.conn.their_state is h11.SEND_BODY]
        if waiting:
            oldest = min(waiting, key=lambda x: (not x.is_idle, x.since_s))
            oldest.transport.abort()
        return bool(waiting)

    def _watch(self) -> None:
        """Gives the client its time for what it owes; what is on time already is not extended."""
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return self._rest()
        state = self.conn.their_state
        if state is self._owed:
            return None
        self._rest()
        self._owed = state
        limits = self.limits
        if state is h11.IDLE:
            self._timer = self.loop.call_later(limits.header_s, self._give_up, limits.header_s)
        elif state is h11.SEND_BODY:
            late_s = limits.body_s + _LATER_S
            self._timer = self.loop.call_later(late_s, self._give_up, limits.body_s)
        return None

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self, seconds: float) -> None:
        if self.is_idle and self._owed is h11.IDLE:
            self._refuse(too_slow(seconds))
        else:
            self.transport.abort()

    def _refuse(self, error: RequestError) -> None:
        """Answers without a request, and closes."""
        response = refused(error)
        lines = [f"HTTP/1.1 {error.status} {error.found[:40]}", "connection: close"]
        lines += [f"{x}: {y}" for x, y in response.headers.items() if x != "connection"]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + bytes(response.body))
        self.transport.close()
        self.loop.call_later(_LINGER_S, self.transport.abort)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket that ends where its client answers no ping, also where it reads nothing."""

    def keepalive_timeout(self) -> None:
        """Closes a connection whose client is gone."""
        super().keepalive_timeout()
        self.loop.call_later(_LINGER_S, self.transport.abort)
