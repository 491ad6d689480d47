"""Routes of the studio: `GET /` for browsers, and the files beside it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fingerspell.serve.service import Service
from fingerspell.serve.studio.site import PAGE, POLICY, File, Site, static_names

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # Kept, and asked about: an ETag answers in 200 bytes.
    "Vary": "Accept, Accept-Encoding",
}


def page_paths(static: Path) -> set[str]:
    """Returns the addresses of what is the same for every recogniser: a page that has no key yet
    must be able to ask for one."""
    return {"/" if name == PAGE else f"/{name}" for name in static_names(static)}


def add_studio(app: FastAPI, service: Service, static: Path) -> None:
    """Adds the page and its files to an app; without a built page in `static` it adds nothing.

    They follow the recogniser that is served, where another takes its place.
    """
    made = Site(service.recogniser, service.rules, static=static)

    def site() -> Site:
        nonlocal made
        if (now := made).recogniser is not service.recogniser:
            now = made = Site(service.recogniser, service.rules, static=static)
        return now

    for name in made.files:
        path = "/" if name == PAGE else f"/{name}"
        app.add_route(path, _answering(name, site, service), include_in_schema=False)


def _answering(
    name: str, site: Callable[[], Site], service: Service
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        # Only who reads HTML gets the page: to a program `/` is an address like any other.
        if name == PAGE and "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return await service.traffic.run(_answer, name, site, request)

    return answer


def _answer(name: str, site: Callable[[], Site], request: Request) -> Response:
    if (file := site().files.get(name)) is None:
        raise HTTPException(404)
    return _response(file, request)


def _response(file: File, request: Request) -> Response:
    headers = {**HEADERS, "ETag": file.etag}
    known = (one.strip() for one in request.headers.get("if-none-match", "").split(","))
    if any(one.removeprefix("W/") == file.etag.removeprefix("W/") for one in known):
        return Response(status_code=304, headers=headers)
    encodings = request.headers.get("accept-encoding", "").lower()
    content = file.gzipped if _takes_gzip(encodings) else None
    if content is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(file.content if content is None else content, 200, headers, file.kind)


def _takes_gzip(encodings: str) -> bool:
    """Whether an Accept-Encoding header allows gzip; `gzip;q=0` refuses it."""
    for one in encodings.split(","):
        name, _, quality = one.replace(" ", "").partition(";")
        if name == "gzip":
            return quality.removeprefix("q=").strip("0.") != "" if quality else True
    return False
