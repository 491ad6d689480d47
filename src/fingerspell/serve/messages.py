"""JSON bodies of the HTTP protocol, answers and errors, and the handlers that send errors."""

from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from fingerspell.errors import FingerspellError, PictureError
from fingerspell.live import Live
from fingerspell.live.words import Decoded
from fingerspell.runtime import Answer


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


class Health(BaseModel):
    """The server is up, and this is what it serves. `size` is (height, width) in pixels."""

    status: str
    model: str
    labels: list[str]
    size: tuple[int, int]
    threshold: float
    mock: bool
    version: str


class Prediction(BaseModel):
    """One label and its probability."""

    label: str
    score: float


class WordProposal(BaseModel):
    """A word and its probability."""

    word: str
    probability: float


class Word(BaseModel):
    """What the word that is being spelled may be, or after a space the word before it.

    `letters` are its letters as they stand in the text. `proposals` are whole words, the letters
    as they are among them; `completions` are longer words that begin like this. Best first.
    """

    letters: str
    proposals: list[WordProposal]
    completions: list[WordProposal]


class PictureAnswer(BaseModel):
    """The answer for one picture.

    `accepted` says whether the best label reaches `threshold`: below it, `predicted_label` is
    only the likeliest guess. The last four are null without a session: the text so far, the
    letter to show at this moment, the sign that this very picture made count, and, where words are
    switched on, what the word may be.
    """

    predictions: list[Prediction]
    top_prediction: Prediction
    predicted_label: str
    accepted: bool
    threshold: float
    time_ms: float
    mock: bool
    assembled_text: str | None = None
    shown: str | None = None
    counted: str | None = None
    word: Word | None = None


class ProblemAnswer(BaseModel):
    """The one shape of errors: a sentence to show, and what it is made of."""

    error: str
    found: str
    expected: str
    fix: str


def picture_answer(
    answer: Answer,
    live: Live | None,
    decoded: Decoded | None,
    *,
    threshold: float,
    time_ms: float,
    mock: bool,
    top: int,
) -> PictureAnswer:
    """Returns the response body of an answer, its session and what its word may be."""
    predictions = [Prediction(label=label, score=score) for label, score in answer.top(top)]
    return PictureAnswer(
        predictions=predictions,
        top_prediction=predictions[0],
        predicted_label=answer.label,
        accepted=answer.accepted,
        threshold=threshold,
        time_ms=round(time_ms, 2),
        mock=mock,
        assembled_text=live.text if live else None,
        shown=live.shown if live else None,
        counted=live.counted if live else None,
        word=_word(decoded) if decoded else None,
    )


def _word(decoded: Decoded) -> Word:
    """Returns what a word may be as it is sent."""
    proposals, completions = (
        [WordProposal(word=one.word, probability=one.probability) for one in found]
        for found in (decoded.proposals, decoded.completions)
    )
    return Word(letters=decoded.letters, proposals=proposals, completions=completions)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of an app leave in the one shape."""
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(PictureError, _picture_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _crash)


def _problem(status: int, error: FingerspellError) -> JSONResponse:
    said = f"{error.found}; expected: {error.expected}; to fix: {error.fix}"
    body = {"error": said, "found": error.found, "expected": error.expected, "fix": error.fix}
    return JSONResponse(body, status_code=status)


def _request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    response = _problem(error.status, error)
    if error.hang_up:
        response.headers["Connection"] = "close"
    return response


def _picture_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, PictureError)
    sent = FingerspellError(
        found=error.found,
        expected=error.expected,
        fix="send the bytes of the picture file as they are, or as base64; to see what arrives, "
        "save them to a file and open it",
    )
    return _problem(415, sent)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    asked = FingerspellError(
        found=f"{request.method} {request.url.path}",
        expected="GET /health or POST /predict-image",
        fix="check address and method",
    )
    response = _problem(error.status_code, asked)
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
    return _problem(500, unforeseen)
