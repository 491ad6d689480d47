"""The HTTP server's app: pictures, batches, streams, sessions, and what the server says of itself.

Nothing is fetched from anywhere: FastAPI's `/docs` pages, which load scripts from a CDN, are off.
The description of the protocol is at `/openapi.json`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Response
from starlette.middleware.cors import CORSMiddleware

from fingerspell import __version__
from fingerspell.live import LiveRules, rules_at
from fingerspell.live.words import WordList
from fingerspell.runtime import Predictor
from fingerspell.serve import messages
from fingerspell.serve.gate import OPEN, Gate
from fingerspell.serve.limits import Limits
from fingerspell.serve.metrics import CONTENT_TYPE, Metrics
from fingerspell.serve.operations.reload import Reload, keep_current
from fingerspell.serve.picture_routes import add_picture_routes
from fingerspell.serve.problems import ANY_PROBLEM, add_problem_handlers, busy
from fingerspell.serve.service import Service
from fingerspell.serve.session_routes import add_session_routes
from fingerspell.serve.sessions import Sessions
from fingerspell.serve.stream import add_stream
from fingerspell.serve.studio import STATIC, add_studio, page_paths
from fingerspell.serve.studio.collect import Collect, add_collect
from fingerspell.serve.traffic import Traffic

_LOCAL_ORIGINS = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


def create_app(
    recogniser: Predictor,
    limits: Limits | None = None,
    *,
    rules: LiveRules | None = None,
    words: WordList | None = None,
    cors: Sequence[str] = (),
    hosts: Sequence[str] = (),
    keys: Sequence[str] = (),
    sessions_allowed: bool = True,
    reload: Reload | None = None,
    clock: Callable[[], float] = time.monotonic,
    static: Path = STATIC,
    collect: Collect | None = None,
) -> FastAPI:
    """Returns the server's app around a loaded recogniser.

    `rules` say when a sign of a session counts: without them the usual ones for its labels.
    With `words` the answers of a session propose what its word may be.
    `cors` lists the web pages' origins that may call it, `*` for all; none means pages from this
    machine only. `hosts` are names that it is called by beside this machine's own and addresses,
    `*` for any. With `keys` a request needs one of them. Without `sessions_allowed` a request that
    names a session is refused: the texts of several processes know nothing of each other. With
    `reload` a new recogniser is served without a stop. `clock` tells sessions when frames
    arrive. `static` holds the built page. `collect` says where pictures that the page
    recorded are kept; none are without it.
    """
    limits = limits or Limits()
    rules = rules or rules_at(recogniser.labels, recogniser.threshold)
    sessions, traffic = Sessions(rules, limits, clock), Traffic(limits)
    metrics = Metrics()
    for name, text, value in (
        ("streams", "WebSockets that are open", lambda: traffic.streams),
        ("sessions", "Sessions that are kept", lambda: len(sessions)),
        ("waiting", "Requests under way", lambda: traffic.admitted),
        ("computing", "Pictures being read", lambda: traffic.computing),
        ("held_bytes", "Bytes of bodies in memory", lambda: traffic.held_bytes),
    ):
        metrics.gauge(name, text, value)
    service = Service(
        recogniser, limits, rules, words, sessions, sessions_allowed, traffic, metrics
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looking = asyncio.create_task(keep_current(service, reload)) if reload else None
        yield
        if looking is not None:
            looking.cancel()

    app = FastAPI(
        title="Fingerspell", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.service, app.state.traffic = service, traffic
    add_problem_handlers(app)
    app.add_middleware(
        Gate, traffic=traffic, metrics=metrics, hosts=hosts, keys=keys,
        open_paths={*OPEN, *page_paths(static)},
        is_known_page=lambda page: _is_known_page(page, cors),
    )  # fmt: skip
    _allow_pages(app, cors)
    _add_facts(app, service)
    add_picture_routes(app, service)
    add_session_routes(app, service)
    add_stream(app, service)
    add_studio(app, service, static)
    if collect is not None:
        add_collect(app, service, collect)
    return app


def _add_facts(app: FastAPI, service: Service) -> None:
    """Adds what the server says of itself."""
    limits = service.limits

    @app.head("/health", include_in_schema=False)
    @app.get("/health", responses=ANY_PROBLEM)
    async def health() -> messages.Health:
        """Says that the server is up and what it serves."""
        known = service.recogniser
        return messages.Health(
            status="ok",
            model=known.name,
            labels=list(known.allowed),
            size=list(known.size_px),
            threshold=known.threshold,
            mock=known.mock,
            version=__version__,
        )

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", responses={503: ANY_PROBLEM["default"], **ANY_PROBLEM})
    async def readyz() -> messages.Ready:
        """Says whether the server takes requests: 503 where it is busy or being stopped."""
        if service.traffic.full:
            raise busy(f"{service.traffic.admitted} requests that wait already")
        return messages.Ready(status="ready")

    @app.head("/v1/model", include_in_schema=False)
    @app.get("/v1/model", responses=ANY_PROBLEM)
    async def model() -> messages.ServedModel:
        """Says which recogniser answers, and what a client must keep to."""
        known = service.recogniser
        contract = getattr(known, "contract", None)
        return messages.ServedModel(
            model=known.name,
            labels=list(known.labels),
            allowed=list(known.allowed),
            size=list(known.size_px),
            threshold=known.threshold,
            mock=known.mock,
            words=service.words is not None,
            files=dict(contract.files) if contract else {},
            limits=messages.ServedLimits(
                **{name: getattr(limits, name) for name in messages.ServedLimits.model_fields}
            ),
            version=__version__,
        )

    @app.head("/metrics", include_in_schema=False)
    @app.get("/metrics", response_class=Response)
    async def counted() -> Response:
        """Returns counters and gauges for Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)


def _is_known_page(origin: str, cors: Sequence[str]) -> bool:
    """Whether a web page may call the server."""
    if cors:
        return "*" in cors or origin in cors
    return _LOCAL_ORIGINS.fullmatch(origin) is not None


def _allow_pages(app: FastAPI, cors: Sequence[str]) -> None:
    """Allows web pages of the given origins to call the server (CORS)."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(cors),
        allow_origin_regex=None if cors else _LOCAL_ORIGINS.pattern,
        allow_methods=["DELETE", "GET", "HEAD", "POST"],
        allow_headers=["*"],
        allow_private_network=True,  # Chromium asks where a public page calls this machine.
    )
