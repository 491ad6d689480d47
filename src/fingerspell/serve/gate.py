"""Who may come in: hosts, keys, a client's rate; and nobody while the server is being stopped."""

import ipaddress
import secrets
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fingerspell.serve.metrics import Metrics
from fingerspell.serve.operations.log import note, request_id
from fingerspell.serve.problems import RequestError, refused, stopping
from fingerspell.serve.traffic import Traffic

OPEN = ("/readyz",)
"""What answers without a key: probes have none."""

SUBPROTOCOL = "fingerspell"
"""The WebSocket's protocol. A page cannot set headers on a socket: it offers `key.KEY` beside."""

_MOST_CLIENTS = 10_000
_BURST_S = 2.0


def host_of(header: str) -> str:
    """Returns the name in a Host header, in lower case and without port and brackets."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if name.count(":") == 1 else name


def is_known_host(header: str | None, allowed: Collection[str]) -> bool:
    """Whether a request was meant for this machine (no DNS rebinding).

    A page of a name that is made to point here has that name as its host: names must be known. An
    address cannot be redirected, and a request without a host comes from no browser.
    """
    name = host_of(header or "").removesuffix(".")
    if not name or name == "localhost" or name in allowed or "*" in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Rates:
    """How many requests each client still has: so many a second, two seconds' worth at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str, at_s: float) -> bool:
        """Takes one request from a client's account; false where there is none left."""
        if not self._per_s:
            return True
        most = max(1.0, self._per_s * _BURST_S)
        left, then_s = self._left.pop(client, (most, at_s))
        left = min(most, left + (at_s - then_s) * self._per_s)
        self._left[client] = (left - 1 if left >= 1 else left, at_s)
        if len(self._left) > _MOST_CLIENTS:
            self._left.popitem(last=False)
        return left >= 1


def client_of(scope: Scope) -> str:
    """Returns the address of whoever asks, empty where it is unknown."""
    return str((scope.get("client") or ("", 0))[0])


class Gate:
    """ASGI middleware around everything but CORS: refuses, counts, and ends what is to be ended."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        traffic: Traffic,
        metrics: Metrics,
        hosts: Sequence[str],
        keys: Sequence[str],
        open_paths: Collection[str],
        is_known_page: Callable[[str], bool],
    ) -> None:
        self.app = app
        self._traffic = traffic
        self._metrics = metrics
        own = socket.gethostname()
        self._hosts = frozenset(host.lower() for host in (own, f"{own}.local", *hosts))
        self._keys = tuple(key.encode() for key in keys)
        self._open_paths = frozenset(open_paths)
        self._is_known_page = is_known_page
        self._rates = Rates(traffic.limits.client_rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        start_s, status, size_bytes = time.perf_counter(), 0, 0
        headers = Headers(scope=scope)
        name = request_id(headers.get("x-request-id"))
        error = self._refusal(scope, headers)

        async def counted() -> Message:
            nonlocal size_bytes
            message = await receive()
            size_bytes += len(message.get("body") or message.get("bytes") or "")
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", 101 if message["type"] == "websocket.accept" else status)
            if message["type"] in ("http.response.start", "websocket.accept"):
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
            await send(message)

        try:
            if error is None:
                with self._traffic.until_drained() as until:
                    await self.app(scope, counted, noted)
                error = stopping() if until.cancelled_caught and not status else None
            if error is not None:
                await refused(error)(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, status or 500).inc()
            seconds = time.perf_counter() - start_s
            if scope["type"] == "http":
                self._metrics.request_seconds.labels(route).observe(seconds)
            note(
                id=name, client=client_of(scope), method=scope.get("method", "WS"), route=route,
                status=status or 500, ms=round(1000 * seconds, 1), bytes=size_bytes,
            )  # fmt: skip
        return None

    def _refusal(self, scope: Scope, headers: Headers) -> RequestError | None:
        if self._traffic.draining:
            return stopping()
        if not is_known_host(headers.get("host"), self._hosts):
            return RequestError(
                421,
                found=f"a request for the host {headers['host'][:100]!r}",
                expected="an address, localhost, or a name that the server was started with",
                fix="start it with --allowed_host NAME, or use its address",
            )
        page = headers.get("origin", "")
        own = host_of(page.rpartition("/")[2]) == host_of(headers.get("host", ""))
        # Browsers hold back a foreign page's requests (CORS), but not its WebSockets.
        if scope["type"] == "websocket" and page and not own and not self._is_known_page(page):
            return RequestError(
                403,
                found=f"a WebSocket of a page at {page[:100]!r}",
                expected="a page of this server, of this machine, or one named by --cors",
                fix="start the server with --cors ORIGIN",
            )
        if (
            self._keys
            and scope["path"] not in self._open_paths
            and not self._has_key(scope, headers)
        ):
            return RequestError(
                401,
                found="a request without a valid key",
                expected="the header Authorization: Bearer KEY, or for a WebSocket of a page the "
                f"protocols {SUBPROTOCOL} and key.KEY",
                fix="ask whoever runs the server for a key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not self._rates.allow(client_of(scope), time.monotonic()):
            return RequestError(
                429,
                found="more requests than one client may send",
                expected=f"at most {self._traffic.limits.client_rate:g} a second",
                fix="send fewer, or use the WebSocket /v1/stream",
                headers={"Retry-After": "1"},
            )
        return None

    def _has_key(self, scope: Scope, headers: Headers) -> bool:
        """Whether a request brings a known key; takes as long for a wrong one as for a right."""
        kind, _, key = headers.get("authorization", "").partition(" ")
        offered = key.strip() if kind.lower() == "bearer" else headers.get("x-api-key", "")
        for protocol in scope.get("subprotocols", ()):
            offered = protocol.removeprefix("key.") if protocol.startswith("key.") else offered
        found = [secrets.compare_digest(offered.encode(), known) for known in self._keys]
        return any(found)
