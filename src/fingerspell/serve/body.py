"""A request's body as bytes, and never more of it than allowed."""

from __future__ import annotations

from starlette.requests import Request

from fingerspell.serve.limits import MEGABYTE, Limits
from fingerspell.serve.problems import RequestError


def declared_bytes(request: Request) -> int | None:
    """Returns the length that a request says it has, if it says one."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


async def read_body(request: Request, limits: Limits) -> bytes:
    """Returns the whole body; raises `RequestError` 413 as soon as it is known to be too long.

    A body that is a little too long is read to its end and thrown away piece by piece: a sender
    that is cut off while sending never reads why. Of a far too long one nothing more is read.
    """
    declared = declared_bytes(request)
    if declared is not None and declared > limits.body_bytes:
        waits = "100-continue" in request.headers.get("expect", "").lower()
        if waits or declared > limits.drained_bytes:
            raise too_large(limits, hang_up=True)
    kept, seen = bytearray(), 0
    async for piece in request.stream():
        seen += len(piece)
        if seen > limits.drained_bytes:
            raise too_large(limits, hang_up=True)
        if seen <= limits.body_bytes:
            kept += piece
        else:
            kept.clear()
    if seen > limits.body_bytes:
        raise too_large(limits)
    return bytes(kept)


def too_large(limits: Limits, *, hang_up: bool = False) -> RequestError:
    """Returns the error for a picture that is larger than allowed."""
    return RequestError(
        413,
        found="a picture that is too large",
        expected=f"at most {limits.picture_bytes / MEGABYTE:g} MB",
        fix="shrink it before sending: 640 pixels on the longer side are plenty",
        hang_up=hang_up,
    )
