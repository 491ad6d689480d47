"""Serves replicas of the app on Ray Serve, for what needs no session."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from fingerspell.errors import ConfigError, require
from fingerspell.install import pip

_MOST = 1000


def checked_replicas(count: int) -> int:
    """Returns how many replicas to start; raises `ConfigError` for none, and without Ray Serve."""
    require(1 <= count <= _MOST, found=f"--ray {count}", expected=f"1 to {_MOST} replicas",
            fix="omit --ray to serve from one process")  # fmt: skip
    try:
        import ray.serve  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            found=f"--ray without Ray Serve ({error})",
            expected="the package ray with its part serve",
            fix=pip("install", '"ray[serve]==2.60.*"') + ", or omit --ray",
        ) from error
    return count


@contextmanager
def replicas(build: Callable[[], FastAPI], count: int, host: str, port: int) -> Iterator[Any]:
    """Starts replicas of an app at an address, waits until they answer, and ends them afterwards.

    `build` makes the app in each of them. They run in the cluster of `RAY_ADDRESS`, or in one that
    is made for them. Gives Ray Serve's handle.
    """
    import ray
    from ray import serve

    started = not ray.is_initialized()
    if started:
        ray.init(logging_level="ERROR", include_dashboard=False, log_to_driver=False)

    def built() -> FastAPI:  # Ray takes a function only, and not all that can be called.
        return build()

    try:
        serve.start(http_options={"host": host, "port": port})
        app = serve.deployment(num_replicas=count)(serve.ingress(built)())
        yield serve.run(app.bind(), name="fingerspell", route_prefix="/")
    finally:
        serve.shutdown()
        if started:
            ray.shutdown()


def serve_replicas(
    build: Callable[[], FastAPI], count: int, host: str, port: int, ready: Callable[[], None]
) -> None:
    """Serves replicas until it is stopped (Ctrl-C, SIGTERM); calls `ready` once they answer."""
    stop = threading.Event()
    with replicas(build, count, host, port):
        for one in (signal.SIGINT, signal.SIGTERM):  # Ray has put its own there meanwhile.
            signal.signal(one, lambda *_: stop.set())
        ready()
        while not stop.wait(1.0):  # A wait without an end would hold signals up on Windows.
            pass
