"""What the server writes of its requests: no picture, no text, no query, no name of a session."""

import json
import logging
import re
import secrets
import sys
import time
from typing import Any

KINDS = ("text", "json")
_requests = logging.getLogger("fingerspell.requests")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class JsonLines(logging.Formatter):
    """Writes each record as a line of JSON: `time`, `level`, `message`, and what a request was."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def settings(kind: str) -> dict[str, Any]:
    """Returns uvicorn's `log_config` for a log of one of `KINDS` on standard error."""
    text = {"()": "uvicorn.logging.DefaultFormatter", "fmt": "%(levelprefix)s %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLines} if kind == "json" else text},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "line",
                             "stream": sys.stderr}},
        "loggers": {name: {"handlers": ["out"], "level": "INFO", "propagate": False}
                    for name in ("uvicorn", "fingerspell")},
    }  # fmt: skip


def request_id(asked: str | None) -> str:
    """Returns the id of a request: the one that a proxy in front gave it, or a new one."""
    return asked if asked and _ID.fullmatch(asked) else secrets.token_hex(8)


def note(**request: str | int | float) -> None:
    """Writes one request, done: `id`, `client`, `method`, `route`, `status`, `ms`, and `bytes`.

    `route` is its pattern: an address may hold the name of a session, which opens its text.
    """
    if _requests.isEnabledFor(logging.INFO):
        _requests.info(
            "%(client)s %(method)s %(route)s %(status)s in %(ms)s ms, %(bytes)s bytes, id %(id)s",
            request,
            extra={"request": request},
        )
