"""A stand-in for Kaggle on this machine: the two questions that `kagglehub` asks, and the archive.

`kagglehub` is led here by environment variables alone: it is told to ask `localhost`, and that
this server is the proxy for all of HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARCHIVE = "http://localhost/storage/1.zip"


@dataclass
class Kaggle:
    """What is served, how it misbehaves, and what was asked for."""

    archive: bytes = b""
    status: int = 200
    page: bytes = b'{"currentVersionNumber": 1}'
    cut_after_bytes: int | None = None
    ranges: bool = True
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(kaggle: Kaggle) -> Iterator[dict[str, str]]:
    """Serves in the background; gives the environment variables that lead here."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            question = self.path.rpartition("/")[2]
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kaggle.asked.append(f"{question} {asked['ownerSlug']}/{asked['datasetSlug']}")
            if kaggle.status != 200:
                self.answer(kaggle.status, b'{"message": "no"}')
            elif question == "GetDataset":
                self.answer(200, kaggle.page)
            else:
                self.answer(302, b"", ("Location", ARCHIVE))

        def answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, value in (("Content-Length", str(len(body))), *headers):
                self.send_header(name, value)
            self.end_headers()
            # The client asks once for the headers and drops the connection if it will resume.
            with suppress(OSError):
                self.wfile.write(body[: kaggle.cut_after_bytes])

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            kaggle.asked.append(wanted or "archive")
            md5 = base64.b64encode(hashlib.md5(kaggle.archive).digest()).decode()
            ranges = [("Accept-Ranges", "bytes")] * kaggle.ranges
            body = kaggle.archive[start:]
            self.answer(206 if wanted else 200, body, ("x-goog-hash", f"md5={md5}"), *ranges)
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    here = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {"KAGGLE_API_ENVIRONMENT": "LOCALHOST", "HTTP_PROXY": here, "http_proxy": here}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
