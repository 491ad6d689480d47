"""What is under way in the server: admitted requests, held bytes, the threads that read pictures.

Reading a picture keeps a core busy, so it happens in threads, as many as there are interpreters.
What waits for one is bounded in number and in bytes: beyond that a client is told to come back.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

import anyio

from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import busy

_QUICK_S = 2.0
_MOST_APART = 8

P = ParamSpec("P")
T = TypeVar("T")


class Hold:
    """What one request holds in memory, and since when it is coming."""

    def __init__(self) -> None:
        self.body: bytes | bytearray = bytearray()
        self.since_s = time.monotonic()
        self.is_coming, self.given_up = True, False

    @property
    def rate(self) -> float:
        """Bytes a second so far."""
        return len(self.body) / max(time.monotonic() - self.since_s, 1e-3)


class Traffic:
    """Everything under way; one for each app, used on its event loop."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.admitted = 0
        self.streams = 0
        self._holds: set[Hold] = set()
        self.computing = 0
        self.apart = 0
        self.draining = False
        self._threads = ThreadPoolExecutor(limits.parallel, "picture")
        self._apart = ThreadPoolExecutor(1, "large picture")
        self._scopes: set[anyio.CancelScope] = set()
        self._until_s = float("inf")

    @property
    def held_bytes(self) -> int:
        """The bytes of all bodies in memory."""
        return sum(len(hold.body) for hold in self._holds)

    @contextmanager
    def hold(self) -> Iterator[Hold]:
        """Gives the place of a request's body, which is let go at the end."""
        hold = Hold()
        self._holds.add(hold)
        try:
            yield hold
        finally:
            self._holds.discard(hold)

    def add(self, hold: Hold, piece: bytes) -> None:
        """Adds to a body that is coming; where memory holds too many bytes, one is given up.

        That is the slowest of those that have been coming for some seconds, so that clients that
        stop midway hold up nobody; where all are quick, it is this one.
        """
        hold.body += piece
        if self.held_bytes > self.limits.held_bytes:
            late_s = time.monotonic() - _QUICK_S
            slow = [x for x in self._holds if x.is_coming and x.since_s < late_s and x.body]
            victim = min(slow, key=lambda x: x.rate, default=hold)
            victim.given_up, victim.body = True, b""

    @property
    def full(self) -> bool:
        """Whether another request would be told to come back."""
        return self.admitted >= self.limits.waiting

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Counts a request as under way; raises `RequestError` 503 where too many are."""
        if self.full:
            raise busy(f"{self.admitted} requests that wait already")
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def run(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """Calls a function in one of the threads, first come, first served.

        Where its caller is cancelled it is left out, or if it has begun, finished for nobody; its
        thread is not free before.
        """
        return await self._call(self._threads, partial(function, *args, **more))

    async def run_apart(self, function: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        """Calls a function in a thread of its own, one at a time.

        Large pictures take seconds and hundreds of megabytes: they wait for each other, and the
        others do not wait for them. Raises `RequestError` 503 where too many do.
        """
        if self.apart >= _MOST_APART:
            raise busy(f"{self.apart} large pictures that wait already")
        self.apart += 1
        try:
            return await self._call(self._apart, partial(function, *args, **more))
        finally:
            self.apart -= 1

    async def _call(self, threads: ThreadPoolExecutor, function: Callable[[], T]) -> T:

        def call() -> T:
            self.computing += 1
            try:
                return function()
            finally:
                self.computing -= 1

        return await asyncio.get_running_loop().run_in_executor(threads, call)

    @contextmanager
    def until_drained(self) -> Iterator[anyio.CancelScope]:
        """Cancels what runs inside where the server is stopped before it is done."""
        with anyio.CancelScope(deadline=self._until_s) as scope:
            self._scopes.add(scope)
            try:
                yield scope
            finally:
                self._scopes.discard(scope)

    def drain(self, seconds: float) -> None:
        """Refuses new requests, and cancels after some seconds those that are not done by then."""
        self.draining = True
        self._until_s = time.monotonic() + seconds  # the clock of asyncio's own event loops
        for scope in self._scopes:
            scope.deadline = self._until_s
