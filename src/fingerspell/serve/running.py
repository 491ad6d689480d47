"""Runs the server on a socket: in the foreground, or in a thread for tests."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from fingerspell.errors import ConfigError, RunError

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
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise ConfigError(
            found=f"{host}:{port} cannot be opened ({error.strerror or error})",
            expected="an address of this machine and a port that nobody else uses",
            fix="stop the other program, or take another port: --port 5001"
            + (" (macOS: AirPlay uses 5000)" if port == 5000 and os.name == "posix" else ""),
        ) from error
    return bound


def address(bound: socket.socket) -> str:
    """Returns the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def addresses(bound: socket.socket) -> list[str]:
    """Returns the URLs at which a bound socket can be opened, this machine's own first.

    A socket that listens on all addresses (0.0.0.0 or ::) is at none that a browser can open.
    """
    host, port = bound.getsockname()[:2]
    if host not in ("0.0.0.0", "::"):
        return [address(bound)]
    network = network_address()
    return [f"http://127.0.0.1:{port}", *([f"http://{network}:{port}"] if network else [])]


def network_address() -> str:
    """Returns this machine's address in its network, empty where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # Picks the way out; UDP sends nothing until asked to.
        except OSError:
            return ""
        host = str(asked.getsockname()[0])
    return "" if host.startswith(("127.", "0.")) else host


def serve(app: FastAPI, bound: socket.socket, log_level: str = "info") -> None:
    """Serves until it is stopped (Ctrl-C, SIGTERM)."""
    uvicorn.Server(_config(app, log_level)).run(sockets=[bound])


@contextmanager
def running(app: FastAPI, host: str = "127.0.0.1") -> Iterator[str]:
    """Serves on a free port from a thread; gives its URL and stops it afterwards."""
    bound = open_socket(host, 0)
    # Beside other work: uvicorn's own set-up would close the handlers of the program around it.
    server = uvicorn.Server(_config(app, "error", log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield address(bound)
    finally:
        server.should_exit = True
        thread.join(_START_TIMEOUT_S)
        bound.close()


def _config(app: FastAPI, log_level: str, **more: Any) -> uvicorn.Config:
    # Longer than clients wait between two photographs: a connection that is closed just as the
    # next request goes out is an error that nobody understands.
    return uvicorn.Config(
        app, log_level=log_level, timeout_keep_alive=75, timeout_graceful_shutdown=5, **more
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
