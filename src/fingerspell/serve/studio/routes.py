"""Routes of the studio: `GET /` for browsers, and the files beside it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from fingerspell.serve.service import Service
from fingerspell.serve.studio.site import PAGE, POLICY, File, Site

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",  # Kept, and asked about: an ETag answers in 200 bytes.
    "Vary": "Accept, Accept-Encoding",
}


def add_studio(app: FastAPI, service: Service, static: Path) -> None:
    """Adds the page and its files to an app; without a built page in `static` it adds nothing."""
    for name, file in Site(service.recogniser, service.rules, static=static).files.items():
        path = "/" if name == PAGE else f"/{name}"
        app.add_route(path, _answering(file, service), include_in_schema=False)


def _answering(file: File, service: Service) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        # Only who reads HTML gets the page: to a program `/` is an address like any other.
        if file.name == PAGE and "text/html" not in request.headers.get("accept", ""):
            raise HTTPException(404)
        return await service.traffic.run(_response, file, request)

    return answer


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
