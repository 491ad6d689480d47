"""`fingerspell serve`: the server, and what its options mean."""

from __future__ import annotations

import argparse
import re
import shlex
import socket
import sys
import tomllib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    from fastapi import FastAPI

    from fingerspell.runtime import Predictor
    from fingerspell.serve.limits import Limits
    from fingerspell.serve.operations.reload import Reload
    from fingerspell.serve.studio.collect import Collect

from fingerspell.cli.options import add_reading, chosen_words, predictor_and_rules

HELP = "serve the recogniser over HTTP and WebSockets (POST /predict-image, WS /v1/stream)"
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
    add("--allowed_host", nargs="+", default=(), metavar="NAME", help="names that it is called by, "
        "'*' for any (default: this machine's own, and any address)")  # fmt: skip
    add("--keys", type=Path, metavar="FILE", help="a request needs one of the keys in this file, "
        "one a line (default: $FINGERSPELL_KEYS, keys with commas between, or none)")  # fmt: skip
    add("--https", type=Path, nargs="*", metavar="FILE", help="serve over HTTPS, with the files of "
        "a certificate and its key (PEM), or without files with one made at the start")  # fmt: skip
    add("--client_rate", type=float, metavar="N", help="requests a second that one client address "
        "may send, 0 for no limit (default: 0, beyond this machine 100)")  # fmt: skip
    add("--client_connections", type=int, metavar="N", help="connections that one client address "
        "may hold, 0 for no limit (default: 0, beyond this machine 64)")  # fmt: skip
    add("--max_picture_mb", type=float, default=10.0, metavar="MB",
        help="largest picture accepted, up to 64 (default: 10)")  # fmt: skip
    add("--reload_s", type=float, metavar="SECONDS", help="how often to look whether the bundle or "
        "model has changed, and serve the new one without a stop (default: never)")  # fmt: skip
    add("--ray", type=int, metavar="N", help="serve N replicas on Ray Serve: pictures, batches and "
        "sockets, but no session_id (needs the package ray[serve], docs/deploy.md)")  # fmt: skip
    add("--collect", type=Path, metavar="DIR", help="keep pictures that the studio's page hands "
        "over, for `fingerspell adapt` (default: none are taken)")  # fmt: skip
    add("--log", choices=("text", "json"), help="lines of text, or JSON for a collector of logs "
        "(default: $FINGERSPELL_LOG or text)")  # fmt: skip
    add("--config", type=Path, action=_Settings, metavar="FILE", help="a TOML file of these "
        'options, as in port = 8080 or cors = ["https://page.example"]; an option given beside it '
        "goes before it")  # fmt: skip


class _Settings(argparse.Action):
    """Takes options from a TOML file; what was given on the command line stays."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _: str | None = None,
    ) -> None:
        given = _from_file(values)
        namespace.config = values
        for name, value in vars(given).items():
            if getattr(namespace, name, None) is parser.get_default(name):
                setattr(namespace, name, value)


def _from_file(file: Path) -> argparse.Namespace:
    """Returns the options that a TOML file holds, the others at their defaults."""
    from fingerspell.errors import ConfigError

    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    add_arguments(parser)
    words = []
    try:
        for name, value in tomllib.loads(file.read_text(encoding="utf-8-sig")).items():
            if name in ("config", "help"):
                raise ValueError(f"{name}, which has no place in a file")
            several = value if isinstance(value, list) else [value]
            if value is not False:
                words += [f"--{name}", *(str(x) for x in several if x is not True)]
        given, more = parser.parse_known_args(words)
        if more:
            raise ValueError(f"{' '.join(more)}, which is no option, or one value too many")
    except (OSError, ValueError, argparse.ArgumentError) as error:
        raise ConfigError(
            found=f"--config {file}: {error}",
            expected="a TOML file of options of serve, named as on the command line",
            fix="correct it; fingerspell serve --help lists the options",
        ) from error
    return given


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


def _model(asked: Path | None, environment: Mapping[str, str]) -> Path | None:
    """Returns what answers: the option, else MODEL, else None for the usual recogniser."""
    named = environment.get("MODEL", "").strip()
    return asked or (Path(named) if named else None)


def _log_kind(asked: str | None, environment: Mapping[str, str]) -> str:
    """Returns how the log is written: the option, else FINGERSPELL_LOG, else as text."""
    from fingerspell.errors import require_one_of
    from fingerspell.serve.operations.log import KINDS

    kind = asked or environment.get("FINGERSPELL_LOG") or KINDS[0]
    require_one_of("FINGERSPELL_LOG", kind, KINDS, "unset it for text")
    return kind


def _reload(args: argparse.Namespace) -> Reload | None:
    """Returns how a new recogniser comes to be served, None where it does not.

    To be asked for before the first one is loaded: what changes meanwhile is seen.
    """
    from fingerspell.errors import require
    from fingerspell.runtime import choose_folder
    from fingerspell.serve.operations.reload import Reload, signature

    if args.reload_s is None:
        return None
    require(
        0.1 <= args.reload_s <= 86_400,  # also refuses NaN
        found=f"--reload_s {args.reload_s:g}",
        expected="seconds, from 0.1 to a day",
        fix="use --reload_s 5, or omit it",
    )
    path = choose_folder(args.bundle)
    return Reload(
        path=path, loaded=signature(path), every_s=args.reload_s,
        load=lambda: predictor_and_rules(args),
    )  # fmt: skip


def _collect(folder: Path | None) -> Collect | None:
    """Returns where the page's pictures go; raises `ConfigError` where none can be written."""
    from fingerspell.cli.main import as_started
    from fingerspell.errors import require
    from fingerspell.files import why_not_writable
    from fingerspell.serve.studio.collect import Collect

    if folder is None:
        return None
    folder = folder.absolute()
    reason = "it is a file" if folder.is_file() else why_not_writable(folder)
    require(not reason, found=f"--collect {folder} ({reason})",
            expected="a folder that can be written", fix="name another folder")  # fmt: skip
    command = f"fingerspell adapt --input_dir {shlex.quote(str(folder))}"
    return Collect(folder, as_started(command))


_MOST_MB = 64
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s@,*]+")
_KEY = re.compile(r"[A-Za-z0-9._~-]{16,200}")


def _limits(args: argparse.Namespace, local: bool) -> Limits:
    """Returns the limits: beyond this machine a client has its share only."""
    from fingerspell.errors import require
    from fingerspell.serve.limits import MEGABYTE, Limits

    require(
        0 < args.max_picture_mb <= _MOST_MB,  # also refuses NaN
        found=f"--max_picture_mb {args.max_picture_mb:g}",
        expected=f"megabytes, above 0 and at most {_MOST_MB}",
        fix="omit it for 10",
    )
    usual: dict[str, Any] = {} if local else {"client_rate": 100.0, "client_connections": 64}
    given = {name: getattr(args, name) for name in ("client_rate", "client_connections")}
    asked = {name: value for name, value in given.items() if value is not None}
    return Limits(picture_bytes=int(args.max_picture_mb * MEGABYTE) or 1, **{**usual, **asked})


def _origins(asked: Sequence[str]) -> tuple[str, ...]:
    """Returns the origins of pages; raises `ConfigError` for what no browser calls itself."""
    from fingerspell.errors import require

    for origin in asked:
        require(
            origin == "*" or _ORIGIN.fullmatch(origin) is not None,
            found=f"--cors {origin}",
            expected="an origin as browsers send it: scheme, host and port, and no path",
            fix="write it like https://page.example or http://localhost:3000, or '*' for all",
        )
    return tuple(asked)


def _keys(file: Path | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the keys of a file, else those of FINGERSPELL_KEYS.

    Raises `ConfigError` for a file without keys, and for a key that can be guessed or not be sent.
    """
    from fingerspell.errors import ConfigError, require

    lines = environment.get("FINGERSPELL_KEYS", "").split(",")
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                found=f"--keys {file}, which cannot be read ({error})",
                expected="a text file with one key a line",
                fix="check the path",
            ) from error
    keys = tuple(line for x in lines if (line := x.strip()) and not line.startswith("#"))
    require(bool(keys) or file is None, found=f"no key in {file}", expected="one key a line",
            fix=_NEW_KEY)  # fmt: skip
    for number, key in enumerate(keys, 1):
        require(
            _KEY.fullmatch(key) is not None,
            found=f"key number {number}, of {len(key)} characters",
            expected="at least 16 of the characters A-Z a-z 0-9 . _ ~ -",
            fix=_NEW_KEY,
        )
    return keys


_NEW_KEY = 'make one: python -c "import secrets; print(secrets.token_urlsafe())"'


def _tls(files: Sequence[Path] | None, host: str) -> ssl.SSLContext | None:
    """Returns the TLS settings that `--https` asks for, None for plain HTTP."""
    from fingerspell.errors import ConfigError
    from fingerspell.serve import certificate
    from fingerspell.serve.running import network_address

    if files is None:
        return None
    if len(files) == 2:
        return certificate.given(*files)
    if files:
        raise ConfigError(
            found=f"--https with {len(files)} file(s)",
            expected="two, a certificate and its key, or none",
            fix="use --https certificate.pem key.pem",
        )
    own = [socket.gethostname(), network_address(), "" if host in ("0.0.0.0", "::") else host]
    return certificate.made(list(dict.fromkeys(filter(None, ["localhost", "127.0.0.1", *own]))))


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
    named = _model(bundle, os.environ)
    asked = argparse.Namespace(bundle=named, precision="auto", labels=None)
    try:
        keys = _keys(None, os.environ)
        predictor, rules = predictor_and_rules(asked)
        words = chosen_words(asked, predictor.labels)
    except FingerspellError as error:  # uvicorn would show where in its own code it was raised.
        print(said(error), file=sys.stderr)
        raise SystemExit(2) from error
    hosts = os.environ.get("FINGERSPELL_HOSTS", "").replace(",", " ").split()
    return create_app(
        predictor, rules=rules, words=words, hosts=hosts, keys=keys, sessions_allowed=not several
    )


def _server_processes(argv: Sequence[str], environment: Mapping[str, str]) -> int:
    """Returns how many processes uvicorn or gunicorn was asked for."""
    asked = environment.get("WEB_CONCURRENCY", "")
    for option, value in pairwise([*argv, ""]):
        name, _, joined = option.partition("=")
        if name in ("--workers", "-w"):
            asked = joined or value
    return int(asked) if asked.isdecimal() else 1


def _app(args: argparse.Namespace, **more: Any) -> tuple[FastAPI, Predictor]:
    """Returns the app that the options ask for, and the recogniser that it begins with."""
    import os

    from fingerspell.serve.app import create_app

    args.bundle = _model(args.bundle, os.environ)
    reload = _reload(args)
    predictor, rules = predictor_and_rules(args)
    words = chosen_words(args, predictor.labels)
    return create_app(predictor, rules=rules, words=words, reload=reload, **more), predictor


def _run_replicas(
    args: argparse.Namespace, bound: socket.socket, log: str, more: dict[str, Any]
) -> int:
    """Serves replicas at the address of a bound socket, which is let go, until it is stopped."""
    import logging.config
    import os

    from fingerspell.runtime import choose_folder
    from fingerspell.serve.operations.log import settings
    from fingerspell.serve.operations.ray_serve import checked_replicas, serve_replicas
    from fingerspell.serve.running import addresses

    count, (host, port) = checked_replicas(args.ray), bound.getsockname()[:2]
    args.bundle = choose_folder(_model(args.bundle, os.environ)).absolute()

    def build() -> FastAPI:
        logging.config.dictConfig(settings(log))
        return _app(args, sessions_allowed=False, **more)[0]

    there = ", ".join(addresses(bound))
    bound.close()
    serve_replicas(
        build, count, host, port, lambda: print(f"{count} replicas at {there}", flush=True)
    )
    return 0


def run(args: argparse.Namespace) -> int:
    """Serves until it is stopped; a wrong setting is told with the file that may hold it."""
    from fingerspell.errors import ConfigError

    try:
        return _run(args)
    except ConfigError as error:
        if args.config is None:
            raise
        found = f"{error.found}, given with the settings of --config {args.config}"
        raise ConfigError(found=found, expected=error.expected, fix=error.fix) from error


def _run(args: argparse.Namespace) -> int:
    import os

    from fingerspell.errors import require
    from fingerspell.serve.running import addresses, is_loopback, open_socket, serve
    from fingerspell.serve.studio import has_page
    from fingerspell.serve.studio.qr import qr_code

    host, port = _where(args, os.environ)
    local = is_loopback(host)
    log = _log_kind(args.log, os.environ)
    keys, tls = _keys(args.keys, os.environ), _tls(args.https, host)
    require(args.ray is None or tls is None, found="--ray with --https", expected="one of them",
            fix="let a proxy in front of Ray end HTTPS (docs/deploy.md)")  # fmt: skip
    collect = _collect(args.collect)
    require(args.ray is None or collect is None, found="--ray with --collect",
            expected="one of them: replicas know nothing of each other",
            fix="omit --ray")  # fmt: skip
    more = {
        "limits": _limits(args, local), "cors": _origins(args.cors), "keys": keys,
        "hosts": [*args.allowed_host, host], "collect": collect,
    }  # fmt: skip
    with open_socket(host, port) as bound:  # before the model is loaded: that takes longer
        if args.ray is not None:
            return _run_replicas(args, bound, log, more)
        app, predictor = _app(args, **more)
        here, *network = addresses(bound, "https" if tls else "http")
        described = f"{len(predictor.allowed)} labels, threshold {predictor.threshold:g}"
        print(f"{predictor.name}, {described}, at {here}", flush=True)
        for there in network:
            print(f"on another device in this network: {there}", flush=True)
        if not local and not keys:
            print("note: whoever reaches this address may use it; --keys FILE asks for a key",
                  file=sys.stderr)  # fmt: skip
        if has_page():
            # Behind # a browser keeps it to itself: no log and no proxy sees the token.
            page = f"/#collect&token={collect.token}" if collect else "/"
            print(f"the studio, in a browser: {here}{page}", flush=True)
            if network and tls is not None and sys.stdout.isatty():
                print(f"on a phone, by its camera:\n{qr_code(network[0] + page)}", flush=True)
        options = "-k " * (tls is not None) + '-H "Authorization: Bearer KEY" ' * bool(keys)
        print(f"try: curl {options}-F image=@hand.jpg {here}/predict-image", flush=True)
        serve(app, bound, log, tls)
    return 0
