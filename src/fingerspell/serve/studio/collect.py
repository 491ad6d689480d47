"""`POST /v1/collected`: labelled pictures of the studio's page, kept in a folder for `adapt`.

Only where the server was started with a folder for them. Whoever sends one must know the token of
this start, which the terminal shows and no log holds.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request
from pydantic import BaseModel

from fingerspell.files import write_bytes
from fingerspell.images import decode, pixel_count
from fingerspell.serve.body import body_of
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError
from fingerspell.serve.service import Service

PATH = "/v1/collected"
TOKEN_HEADER = "X-Collect-Token"
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Collect:
    """The folder that takes pictures, `command`, which adapts to them, and the start's token."""

    folder: Path
    command: str
    token: str = field(default_factory=secrets.token_urlsafe)


class CollectedAnswer(BaseModel):
    """How many pictures of a label there are now, and the command that adapts to the folder."""

    label: str
    pictures: int
    command: str


def add_collect(app: FastAPI, service: Service, collect: Collect) -> None:
    """Adds the route to an app."""
    limits, traffic = service.limits, service.traffic

    @app.post(PATH, status_code=201, include_in_schema=False)
    async def collected(request: Request, label: str = "") -> CollectedAnswer:
        """Keeps one JPEG under a name of the server's; the same picture again changes nothing."""
        _check_sender(request, collect.token)
        folder = collect.folder / _checked(label, service)
        async with body_of(request, traffic) as body:
            count = await traffic.run(_keep, body, folder, limits)
        return CollectedAnswer(label=label, pictures=count, command=collect.command)


def _check_sender(request: Request, token: str) -> None:
    """Raises `RequestError` 403 unless the token is this start's and the page this server's."""
    page = request.headers.get("origin")
    if page is not None and page.rpartition("/")[2] != request.headers.get("host"):
        raise RequestError(
            403,
            found=f"pictures from a page at {page[:100]!r}",
            expected="this server's own page",
            fix="open the address that the server's terminal shows",
        )
    offered = request.headers.get(TOKEN_HEADER, "")
    if not secrets.compare_digest(offered.encode(), token.encode()):
        raise RequestError(
            403,
            found="pictures without the token of this start",
            expected=f"the header {TOKEN_HEADER}, which the page takes from its address",
            fix="open the address that the server's terminal shows: each start has a new one",
        )


def _checked(label: str, service: Service) -> str:
    """Returns the name of a label's folder."""
    if label in service.recogniser.labels and Path(label).name == label != "..":
        return label
    raise RequestError(
        400,
        found=f"label={label[:40]!r}",
        expected="one of the recogniser's labels",
        fix=f"send one of {', '.join(service.recogniser.labels)[:300]}",
    )


def _keep(picture: bytes, folder: Path, limits: Limits) -> int:
    """Writes a picture named by its content; returns how many its folder holds then."""
    pixels = pixel_count(picture) if picture.startswith(_JPEG) else None
    if pixels is None or pixels > limits.quick_pixels or len(picture) > limits.frame_bytes:
        raise RequestError(
            415,
            found=f"{len(picture)} bytes, {'no JPEG' if pixels is None else f'{pixels} pixels'}",
            expected=f"a JPEG of at most {limits.frame_bytes} bytes, {limits.quick_pixels} pixels",
            fix="send what the page records",
        )
    decode(picture, limits.quick_pixels, 0)
    path = folder / f"{hashlib.sha256(picture).hexdigest()[:20]}.jpg"
    if not path.exists():
        if len(list(folder.parent.glob("*/*.jpg"))) >= limits.collected:
            raise RequestError(
                409,
                found=f"a folder with {limits.collected} pictures",
                expected="room for one more",
                fix="adapt to them, then start the server with another folder",
            )
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, picture)
    return len(list(folder.glob("*.jpg")))
