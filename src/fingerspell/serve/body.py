"""Reads the body of a request within its limits of time and memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.requests import Request

from fingerspell.serve.problems import busy, too_large, too_slow
from fingerspell.serve.traffic import Hold, Traffic


@asynccontextmanager
async def body_of(request: Request, traffic: Traffic) -> AsyncIterator[bytes]:
    """Gives the whole body of a request, which from then on counts as under way.

    Raises `RequestError` 408 for one that comes too slowly, 413 as soon as it is known to be too
    long, and 503 where the server is busy.
    """
    limits = traffic.limits
    with traffic.hold() as hold:
        try:
            with anyio.fail_after(limits.body_s):
                await _read(request, traffic, hold)
        except TimeoutError as error:
            raise too_slow(limits.body_s) from error
        with traffic.admit():
            yield bytes(hold.body)


async def _read(request: Request, traffic: Traffic, hold: Hold) -> None:
    """Reads the whole body into its place.

    A body that is a little too long, or that memory has no room for, is read to its end and thrown
    away piece by piece: a sender that is cut off while sending never reads why. Of a far too long
    one nothing more is read.
    """
    limits = traffic.limits
    declared = _declared_bytes(request)
    if declared is not None and declared > limits.body_bytes:
        waits = "100-continue" in request.headers.get("expect", "").lower()
        if waits or declared > limits.drained_bytes:
            raise too_large(limits.picture_bytes, hang_up=True)
    seen = 0
    async for piece in request.stream():
        seen += len(piece)
        if seen > limits.drained_bytes:
            raise too_large(limits.picture_bytes, hang_up=True)
        if seen > limits.body_bytes:
            hold.body = b""
        elif not hold.given_up:
            traffic.add(hold, piece)
    if seen > limits.body_bytes:
        raise too_large(limits.picture_bytes)
    if hold.given_up:
        raise busy("more pictures at once than the server holds")
    hold.body, hold.is_coming = bytes(hold.body), False


def _declared_bytes(request: Request) -> int | None:
    """Returns the length that a request says it has, if it says one."""
    said = request.headers.get("content-length", "")
    return int(said[:20]) if said.isascii() and said.isdigit() else None
