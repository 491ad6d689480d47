"""`fingerspell serve`: the HTTP server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

from fingerspell.cli.options import add_reading, chosen_words, predictor_and_rules

HELP = "serve the recogniser over HTTP (GET /health, POST /predict-image)"
_HOST = "127.0.0.1"
_PORT = 5000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_reading(parser)
    add = parser.add_argument
    add("--host", help=f"address to listen on (default: $HOST or {_HOST}; 0.0.0.0 for a phone to "
        "reach it)")  # fmt: skip
    add("--port", type=int, help=f"port (default: $PORT or {_PORT}; 0: any free)")
    add("--cors", nargs="+", default=(), metavar="ORIGIN", help="web pages that may call it, '*' "
        "for all (default: pages from this machine)")  # fmt: skip
    add("--max_picture_mb", type=float, default=10.0, metavar="MB",
        help="largest picture accepted (default: 10)")  # fmt: skip


def _where(args: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, int]:
    """Returns host and port: the option, else HOST and PORT, else the default."""
    from fingerspell.errors import ConfigError

    host = args.host or environment.get("HOST") or _HOST
    port = args.port if args.port is not None else environment.get("PORT") or _PORT
    try:
        return host, int(port)
    except ValueError as error:
        raise ConfigError(
            found=f"PORT={port}", expected="a whole number", fix="unset PORT, or use --port 5000"
        ) from error


def load_app(bundle: Path | None = None) -> FastAPI:
    """Returns the app with default limits, for `uvicorn backend.app:app`; exits where it cannot.

    One process serves all sessions, on every core: with `--workers 2` a session would jump
    between two texts, so such an app refuses sessions.
    """
    import os

    from fingerspell.cli.main import said
    from fingerspell.errors import FingerspellError
    from fingerspell.serve.app import create_app

    several = _server_processes(sys.argv, os.environ) > 1
    asked = argparse.Namespace(bundle=bundle, precision="auto", labels=None)
    try:
        predictor, rules = predictor_and_rules(asked)
        words = chosen_words(asked, predictor.labels)
    except FingerspellError as error:  # uvicorn would show where in its own code it was raised.
        print(said(error), file=sys.stderr)
        raise SystemExit(2) from error
    return create_app(predictor, rules=rules, words=words, sessions_allowed=not several)


def _server_processes(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Returns how many processes uvicorn or gunicorn was asked for."""
    asked = environment.get("WEB_CONCURRENCY", "")
    for option, value in pairwise([*argv, ""]):
        name, _, joined = option.partition("=")
        if name in ("--workers", "-w"):
            asked = joined or value
    return int(asked) if asked.isdecimal() else 1


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped."""
    import os

    from fingerspell.serve.app import create_app
    from fingerspell.serve.running import addresses, open_socket, serve
    from fingerspell.serve.sessions import MEGABYTE, Limits

    host, port = _where(args, os.environ)
    limits = Limits(picture_bytes=int(args.max_picture_mb * MEGABYTE))
    predictor, rules = predictor_and_rules(args)
    words = chosen_words(args, predictor.labels)
    app = create_app(predictor, limits, rules=rules, words=words, cors=args.cors)
    with open_socket(host, port) as bound:
        here, *network = addresses(bound)
        described = f"{len(predictor.allowed)} labels, threshold {predictor.threshold:g}"
        print(f"{predictor.name}, {described}, at {here}", flush=True)
        for there in network:
            print(f"on another device in this network: {there}", flush=True)
        print(f"try: curl -F image=@hand.jpg {here}/predict-image", flush=True)
        serve(app, bound)
    return 0
