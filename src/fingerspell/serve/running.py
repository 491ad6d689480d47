"""Runs the server on a socket: in the foreground, or in a thread for tests."""

import errno
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from fastapi import FastAPI

from fingerspell.errors import ConfigError, RunError
from fingerspell.serve.connections import HttpConnection, WebSocketConnection
from fingerspell.serve.operations.log import settings
from fingerspell.serve.traffic import Traffic

_BACKLOG = 128
_DRAIN_S = 4.0
_START_TIMEOUT_S = 20.0


def open_socket(host: str, port: int) -> socket.socket:
    """Returns a bound socket; raises `ConfigError` where host or port cannot be had.

    Bound before the server starts, so that a port in use is one clear message. Port 0 takes any
    free one.
    """
    if not 0 <= port <= 65535:
        raise ConfigError(
            found=f"port {port}", expected="a number from 0 to 65535", fix="use --port 5000"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, every
    # answer but the first of a connection came 40 ms late.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # On Windows SO_REUSEADDR would let a second server take the port over.
    option = getattr(socket, "SO_EXCLUSIVEADDRUSE", socket.SO_REUSEADDR)
    bound.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:
        bound.close()
        raise _cannot_open(host, port, error) from error
    return bound


def _cannot_open(host: str, port: int, error: OSError | UnicodeError) -> ConfigError:
    """Returns what a host or port that cannot be had is answered with, and how to mend it."""
    said = getattr(error, "strerror", None) or str(error)
    found = f"{host}:{port} cannot be opened ({said})"
    unknown = isinstance(error, socket.gaierror | UnicodeError)
    if unknown or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        return ConfigError(
            found=found,
            expected="an address or a name of this machine",
            fix="use --host 127.0.0.1 (this machine only) or --host 0.0.0.0 (its network, too)",
        )
    if isinstance(error, PermissionError):
        return ConfigError(
            found=found,
            expected="a port that this user may open: below 1024 most systems forbid it",
            fix="take a port from 1024 on: --port 5001",
        )
    return ConfigError(
        found=found,
        expected="a port that nobody else uses",
        fix="stop the other program, or take another port: --port 5001"
        + (" (macOS: AirPlay uses 5000)" if port == 5000 and os.name == "posix" else ""),
    )


def address(bound: socket.socket, scheme: str = "http") -> str:
    """Returns the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def addresses(bound: socket.socket, scheme: str = "http") -> list[str]:
    """Returns the URLs at which a bound socket can be opened, this machine's own first.

    A socket that listens on all addresses (0.0.0.0 or ::) is at none that a browser can open.
    """
    host, port = bound.getsockname()[:2]
    if host not in ("0.0.0.0", "::"):
        return [address(bound, scheme)]
    network = network_address()
    hosts = ["127.0.0.1", *([network] if network else [])]
    return [f"{scheme}://{host}:{port}" for host in hosts]


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def network_address() -> str:
    """Returns this machine's address in its network, empty where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # Picks the way out; UDP sends nothing until asked to.
        except OSError:
            return ""
        host = str(asked.getsockname()[0])
    return "" if host.startswith(("127.", "0.")) else host


class _Server(uvicorn.Server):
    """A server that ends within six seconds: what is not done by then is answered with 503."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes what can be finished, refuses the rest, and closes all connections."""
        _traffic(self.config).drain(_DRAIN_S)
        await super().shutdown(sockets)


def _traffic(config: uvicorn.Config) -> Traffic:
    return cast(Traffic, config.app.state.traffic)  # type: ignore[union-attr]


def serve(
    app: FastAPI, bound: socket.socket, log: str = "text", tls: ssl.SSLContext | None = None
) -> None:
    """Serves until it is stopped (Ctrl-C, SIGTERM), over HTTPS where `tls` is given.

    `log` is one of `operations.log.KINDS`.
    """
    give_memory_back()
    config = _config(app, "info", tls, log_config=settings(log))
    _allow_open_files(_traffic(config).limits.connections + 128)
    try:
        _Server(config).run(sockets=[bound])
    finally:
        # Python would wait at its end for a thread that is still reading a picture for nobody.
        if _traffic(config).computing:
            print("stopped in the middle of a picture", file=sys.stderr, flush=True)
            sys.stdout.flush()
            os._exit(130)


_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_LARGE_BYTES = 4 * 1024**2
"""Of the pictures that people send, the pixels of nearly all take less."""


def give_memory_back() -> None:
    """Has glibc give large freed blocks back at once, whatever the process has seen before.

    By itself it keeps blocks up to 32 MB in the heaps of all threads once one was freed.
    https://man7.org/linux/man-pages/man3/mallopt.3.html
    """
    if sys.platform != "linux":
        return
    import ctypes

    if (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)) is not None:
        mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_TRIM_THRESHOLD, 2 * _LARGE_BYTES)


def _allow_open_files(count: int) -> None:
    """Raises the number of files that this process may open, where the system lets it."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count <= hard or (soft < count and hard == resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@contextmanager
def running(
    app: FastAPI, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serves on a free port from a thread; gives its URL and stops it afterwards."""
    bound = open_socket(host, 0)
    # Beside other work: uvicorn's own set-up would close the handlers of the program around it.
    server = _Server(_config(app, "error", tls, log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield address(bound, "https" if tls else "http")
    finally:
        server.should_exit = True
        thread.join(_START_TIMEOUT_S)
        bound.close()


def _config(
    app: FastAPI, log_level: str, tls: ssl.SSLContext | None, **more: Any
) -> uvicorn.Config:
    # Keep-alive is longer than clients wait between two photographs: a connection that is closed
    # just as the next request goes out is an error that nobody understands. Pictures are compressed
    # already, and a compressed message would be a bomb.
    return uvicorn.Config(
        app,
        loop="asyncio",  # Not whichever is installed: Ray brings another.
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=app.state.traffic.limits.message_bytes,
        ws_per_message_deflate=False,
        backlog=_BACKLOG,
        log_level=log_level,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=5,
        server_header=False,
        access_log=False,  # Its lines hold the query and the names of sessions; the gate's do not.
        ssl_context_factory=None if tls is None else lambda *_: tls,
        **more,
    )


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    until_s = time.monotonic() + _START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until_s:
            raise RunError(
                found="a server that does not start",
                expected=f"a start within {_START_TIMEOUT_S:g} seconds",
                fix="run it in the foreground and read its log: python backend/app.py",
            )
        time.sleep(0.01)
