"""One shape for everything that goes wrong: `{"error": {"found", "expected", "fix"}}`."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from fingerspell.errors import FingerspellError, PictureError


class RequestError(FingerspellError):
    """A request that cannot be answered; `status` is its HTTP status code.

    `hang_up` closes the connection after the answer, with the rest of the request unread.
    """

    def __init__(
        self, status: int, *, found: str, expected: str, fix: str, hang_up: bool = False
    ) -> None:
        super().__init__(found=found, expected=expected, fix=fix)
        self.status = status
        self.hang_up = hang_up


def problem(status: int, error: FingerspellError) -> JSONResponse:
    """Returns an error in the one shape."""
    body = {"found": error.found, "expected": error.expected, "fix": error.fix}
    return JSONResponse({"error": body}, status_code=status)


def _request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    response = problem(error.status, error)
    if error.hang_up:
        response.headers["Connection"] = "close"
    return response


def _picture_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PictureError)
    return problem(415, error)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    asked = FingerspellError(
        found=f"{request.method} {request.url.path}",
        expected="GET /health or POST /predict-image",
        fix="check address and method",
    )
    response = problem(error.status_code, asked)
    response.headers.update(error.headers or {})
    return response


def _left(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # Nobody is there to read it.


def _crash(_: Request, error: Exception) -> Response:
    unforeseen = FingerspellError(
        found=f"an error inside the server ({type(error).__name__})",
        expected="an answer",
        fix="look at the server's log and report what it says",
    )
    return problem(500, unforeseen)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of an app leave in the one shape."""
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(PictureError, _picture_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _crash)
