"""Errors of the protocol: the one shape in which they are sent, and what they say."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from fingerspell.errors import FingerspellError, PictureError

_RETRY_S = 1


class RequestError(FingerspellError):
    """A request that cannot be answered; `status` is its HTTP status code.

    `headers` go with the answer. `hang_up` closes the connection after it, with the rest of the
    request unread.
    """

    def __init__(
        self,
        status: int,
        *,
        found: str,
        expected: str,
        fix: str,
        headers: Mapping[str, str] | None = None,
        hang_up: bool = False,
    ) -> None:
        super().__init__(found=found, expected=expected, fix=fix)
        self.status = status
        self.headers = {**(headers or {}), **({"Connection": "close"} if hang_up else {})}


class ProblemAnswer(BaseModel):
    """The one shape of errors: a sentence to show, and what it is made of."""

    error: str
    found: str
    expected: str
    fix: str


ANY_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {"model": ProblemAnswer, "description": "An error, in the one shape"}
}


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of an app leave in the one shape."""
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(PictureError, _picture_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _crash)


def problem(error: FingerspellError) -> ProblemAnswer:
    """Returns an error in the one shape."""
    said = f"{error.found}; expected: {error.expected}; to fix: {error.fix}"
    return ProblemAnswer(error=said, found=error.found, expected=error.expected, fix=error.fix)


def refused(error: RequestError) -> JSONResponse:
    """Returns the response that an error of a request is answered with."""
    return JSONResponse(
        problem(error).model_dump(), status_code=error.status, headers=error.headers
    )


def no_picture(error: PictureError) -> RequestError:
    """Returns the answer, 415, for bytes that are no whole picture."""
    return RequestError(
        415,
        found=error.found,
        expected=error.expected,
        fix="send the bytes of the picture file as they are, or as base64; to see what arrives, "
        "save them to a file and open it",
    )


def _request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return refused(error)


def _picture_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PictureError)
    return refused(no_picture(error))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    asked = RequestError(
        error.status_code,
        found=f"{request.method} {request.url.path[:200]}",
        expected="GET /health, POST /predict-image, or another address of /openapi.json",
        fix="check address and method",
        headers=error.headers,
    )
    return refused(asked)


def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # Nobody is there to read it.


def _crash(_: Request, error: Exception) -> Response:
    unforeseen = RequestError(
        500,
        found=f"an error inside the server ({type(error).__name__})",
        expected="an answer",
        fix="look at the server's log and report what it says",
    )
    return refused(unforeseen)


def busy(found: str) -> RequestError:
    """Returns the answer for a client that is to come back in a second."""
    return RequestError(
        503,
        found=found,
        expected="fewer requests at once",
        fix="send it again after a second",
        headers={"Retry-After": str(_RETRY_S)},
    )


def stopping() -> RequestError:
    """Returns the answer for a client whose request the server will not finish any more."""
    return RequestError(
        503,
        found="a server that is being stopped",
        expected="a server that runs",
        fix="send it again in a moment",
        headers={"Retry-After": "5"},
        hang_up=True,
    )


def too_large(most_bytes: int, *, hang_up: bool = False) -> RequestError:
    """Returns the answer for a picture, or a body, beyond its limit."""
    return RequestError(
        413,
        found="a picture that is too large",
        expected=f"at most {most_bytes / 2**20:g} MB",
        fix="shrink it before sending: 640 pixels on the longer side are plenty",
        hang_up=hang_up,
    )


def too_slow(seconds: float) -> RequestError:
    """Returns the answer for a request that did not come in time."""
    return RequestError(
        408,
        found="a request that does not come to its end",
        expected=f"all of it within {seconds:g} seconds",
        fix="send smaller pictures, or check the connection",
        hang_up=True,
    )


def several_processes() -> RequestError:
    """Returns the answer where sessions cannot be: processes know nothing of each other's."""
    return RequestError(
        400,
        found="a session on a server of several processes, each with a text of its own",
        expected="one process, which uses every core by itself",
        fix="start the server without --workers, --ray and WEB_CONCURRENCY, or send no session_id",
    )
