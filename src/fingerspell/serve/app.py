"""The HTTP server: `GET /health` and `POST /predict-image`.

Nothing is fetched from anywhere: FastAPI's `/docs` pages, which load scripts from a CDN, are off.
The description of the protocol is at `/openapi.json`.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import anyio
from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware

from fingerspell import __version__
from fingerspell.images import decode
from fingerspell.live import Frame, Live, LiveRules, rules_at
from fingerspell.live.words import WordList, last_word
from fingerspell.live.words import decode as decode_word
from fingerspell.runtime import Answer, Predictor
from fingerspell.runtime.motion import Thumbnail, thumbnail
from fingerspell.serve import messages
from fingerspell.serve.sessions import Limits, Sessions
from fingerspell.serve.upload import COMMITS, Upload, read_upload

_LOCAL_ORIGINS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
_OTHER_STATUS: dict[int | str, dict[str, Any]] = {
    status: {"model": messages.ProblemAnswer} for status in (400, 413, 415, 500)
}


def create_app(
    recogniser: Predictor,
    limits: Limits | None = None,
    *,
    rules: LiveRules | None = None,
    words: WordList | None = None,
    cors: Sequence[str] = (),
    sessions_allowed: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """Returns the server's app around a loaded recogniser.

    `rules` say when a sign of a session counts: without them the usual ones for its labels.
    With `words` the answers of a session propose what its word may be.
    `cors` lists the web pages' origins that may call it, `*` for all; none means pages from this
    machine only. Without `sessions_allowed` a request that names one is refused: the texts of
    several processes know nothing of each other. `clock` tells sessions when frames arrive.
    """
    limits = limits or Limits()
    app = FastAPI(title="Fingerspell", version=__version__, docs_url=None, redoc_url=None)
    messages.add_problem_handlers(app)
    _allow_pages(app, cors)
    rules = rules or rules_at(recogniser.labels, recogniser.threshold)
    sessions = Sessions(rules, limits, clock)
    # Unpacking and reading a picture keeps a core busy: off the event loop, and never more at
    # once than there are interpreters, so that memory stays bounded under load.
    places = anyio.CapacityLimiter(limits.parallel)

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> messages.Health:
        """Says that the server is up and what it serves."""
        return messages.Health(
            status="ok",
            model=recogniser.name,
            labels=list(recogniser.allowed),
            size=recogniser.size_px,
            threshold=recogniser.threshold,
            mock=recogniser.mock,
            version=__version__,
        )

    @app.post("/predict-image", responses=_OTHER_STATUS, openapi_extra=_request_in_words(limits))
    async def predict_image(request: Request) -> messages.PictureAnswer:
        """Reads the handshape in one picture; with a `session_id` it is a frame of a stream."""
        arrived_s = sessions.clock()
        upload = await read_upload(request, limits, recogniser.labels)
        if upload.session_id is not None and not sessions_allowed:
            raise _several_processes()
        answer, frame, picture, time_ms = await anyio.to_thread.run_sync(
            _timed_answer, recogniser, upload, limiter=places
        )
        live = _fold(sessions, upload, frame, picture, arrived_s)
        decoded = None
        if words is not None and live is not None:
            signs = last_word(live.signs)
            decoded = await anyio.to_thread.run_sync(decode_word, signs, words, limiter=places)
        return messages.picture_answer(
            answer,
            live,
            decoded,
            threshold=recogniser.threshold,
            time_ms=time_ms,
            mock=recogniser.mock,
            top=limits.top,
        )

    return app


def _several_processes() -> messages.RequestError:
    return messages.RequestError(
        400,
        found="a session on a server of several processes, each with a text of its own",
        expected="one process, which uses every core by itself",
        fix="start the server without --workers and WEB_CONCURRENCY, or send no session_id",
    )


def _timed_answer(recogniser: Predictor, upload: Upload) -> tuple[Answer, Frame, Thumbnail, float]:
    """Returns answer, frame, thumbnail, and the milliseconds for unpacking and reading."""
    start_s = time.perf_counter()
    rgb = decode(upload.picture)
    answer, hand = recogniser.watch(rgb, upload.labels)
    frame, picture = Frame(tuple(answer.probabilities.tolist()), hand), thumbnail(rgb)
    return answer, frame, picture, (time.perf_counter() - start_s) * 1000


def _fold(
    sessions: Sessions, upload: Upload, frame: Frame, picture: Thumbnail, arrived_s: float
) -> Live | None:
    if upload.session_id is None:
        return None
    now = upload.commit == "now"
    return sessions.fold(upload.session_id, frame, arrived_s, now=now, picture=picture)


def _allow_pages(app: FastAPI, cors: Sequence[str]) -> None:
    """Allows web pages of the given origins to call the server (CORS)."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(cors),
        allow_origin_regex=None if cors else _LOCAL_ORIGINS,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["*"],
        allow_private_network=True,  # Chromium asks where a public page calls this machine.
    )


def _request_in_words(limits: Limits) -> dict[str, Any]:
    """Describes the three ways to send a picture for `/openapi.json`."""
    binary = {"type": "string", "format": "binary", "maxLength": limits.picture_bytes}
    text = {"type": "string"}
    commit = {"type": "string", "enum": list(COMMITS)}
    extras = {"session_id": text, "commit": commit, "labels": text}
    form = {"type": "object", "properties": {"image": binary, **extras}, "required": ["image"]}
    members = {"type": "object", "properties": {"image_base64": text, "image": text, **extras}}
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in extras.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": members},
                "image/jpeg": {"schema": binary},
            },
        },
    }
