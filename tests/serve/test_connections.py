"""The real server against clients that stop midway, crowd it, or stay while it is stopped."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.running import running
from fingerspell.serve.smoke import _send
from helpers.tiny_bundle import picture

RED = encode_jpeg(picture("A"))
HEAD = b"POST /predict-image HTTP/1.1\r\nHost: localhost\r\n"


@contextlib.contextmanager
def line_to(url: str, *sent: bytes) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        for piece in sent:
            line.sendall(piece)
        yield line


def answer_of(line: socket.socket) -> tuple[int, dict, dict]:
    response = http.client.HTTPResponse(line)
    response.begin()
    return response.status, dict(response.getheaders()), json.loads(response.read())


@pytest.fixture(scope="module")
def hasty() -> Iterator[str]:
    limits = Limits(picture_bytes=100_000, header_s=0.3, body_s=0.3, connections=20)
    with running(create_app(MockRecogniser(), limits)) as url:
        yield url


@pytest.mark.parametrize(
    "sent",
    [
        (),
        (b"POST /pre",),
        (HEAD + b"Content-Length: 999\r\n\r\n", b"ab"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /hea"),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea",),
        (b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", b"a"),
    ],
    ids=[
        "nothing",
        "half a head",
        "half a body",
        "a chunk",
        "a second head",
        "both at once",
        "an unread body",
    ],
)
def test_a_request_that_stops_midway_is_ended(hasty: str, sent: tuple[bytes, ...]):
    with line_to(hasty, *sent) as line:
        start_s, said = time.monotonic(), b""
        with contextlib.suppress(ConnectionResetError):
            while piece := line.recv(65_536):
                said += piece
        assert time.monotonic() - start_s < 6
    assert (b"408" in said and b'"fix"' in said) or said.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "sent", [b"GET /health HTTP/1.1\r\n", HEAD + b"Content-Length: 999\r\n\r\n"]
)
def test_bytes_that_drip_in_win_no_time(hasty: str, sent: bytes):
    until_s = time.monotonic() + 5
    with line_to(hasty, sent) as line, pytest.raises(OSError):
        while time.monotonic() < until_s:
            line.sendall(b"a")
            time.sleep(0.05)


def test_bytes_of_another_protocol_are_told_so_in_the_one_shape(hasty: str):
    with line_to(hasty, b"\x16\x03\x01\x02\x00\x01\r\n\r\n") as line:
        status, headers, body = answer_of(line)
    assert status == 400 and headers["connection"] == "close"
    assert list(body) == ["error", "found", "expected", "fix"]


@pytest.mark.parametrize("sent", [b"POST /pre", HEAD + b"Content-Length: 9999\r\n\r\nab"])
def test_connections_that_wait_give_way_to_those_that_ask(sent: bytes):
    limits = Limits(connections=20)
    with running(create_app(MockRecogniser(), limits)) as url, contextlib.ExitStack() as open_ones:
        lines = [open_ones.enter_context(line_to(url, sent)) for _ in range(60)]
        assert _send(f"{url}/health")[0] == 200
        assert _send(f"{url}/predict-image", RED, "image/jpeg")[0] == 200
        lines[0].settimeout(2)
        with contextlib.suppress(ConnectionResetError):
            assert lines[0].recv(1) == b"", "the oldest is closed"


def test_one_client_has_its_share_of_connections():
    limits = Limits(client_connections=3, streams=9)
    with running(create_app(MockRecogniser(), limits)) as url, contextlib.ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(connect(f"{url.replace('http', 'ws')}/v1/stream")).recv()
        with line_to(url) as line:
            status, headers, _ = answer_of(line)
        assert status == 503 and headers["retry-after"] == "1", "sockets in use are not closed"


class Slow(MockRecogniser):
    """Reads when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may, self.begun = threading.Event(), threading.Event()

    def watch(self, rgb, labels=None):
        self.begun.set()
        self.may.wait(20)
        return super().watch(rgb, labels)


def test_beyond_so_many_that_wait_clients_are_told_to_come_back():
    slow, limits = Slow(), Limits(waiting=3, parallel=1)
    with running(create_app(slow, limits)) as url, ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(_send, f"{url}/predict-image", RED, "image/jpeg") for _ in range(3)]
        assert slow.begun.wait(10)
        time.sleep(0.3)
        for path in ("/predict-image", "/v1/predict"):
            with line_to(url, HEAD.replace(b"/predict-image", path.encode())) as line:
                line.sendall(b"Content-Length: %d\r\n\r\n" % len(RED) + RED)
                status, headers, body = answer_of(line)
            assert status == 503 and headers["retry-after"] == "1" and "wait" in body["found"]
        assert _send(f"{url}/readyz")[0] == 503 and _send(f"{url}/health")[0] == 200
        slow.may.set()
        assert [one.result()[0] for one in waiting] == [200] * 3
        assert _send(f"{url}/readyz")[0] == 200


def test_a_server_that_stops_answers_what_waits_with_503_and_closes_its_sockets(
    caplog, monkeypatch
):
    monkeypatch.setattr("fingerspell.serve.running._DRAIN_S", 0.4)
    slow, limits = Slow(), Limits(parallel=1)
    with ThreadPoolExecutor(4) as pool, contextlib.ExitStack() as open_ones:
        with running(create_app(slow, limits)) as url:
            asked = [pool.submit(_send, f"{url}/predict-image", RED, "image/jpeg")
                     for _ in range(4)]  # fmt: skip
            assert slow.begun.wait(10)
            stream = open_ones.enter_context(connect(f"{url.replace('http', 'ws')}/v1/stream"))
            half = open_ones.enter_context(line_to(url, HEAD + b"Content-Length: 99\r\n\r\na"))
            time.sleep(0.3)
            start_s = time.monotonic()
        assert time.monotonic() - start_s < 3
        slow.may.set()
        answers = [one.result() for one in asked]
        assert [status for status, _ in answers] == [503] * 4
        assert all("being stopped" in body["found"] for _, body in answers)
        assert answer_of(half)[0] == 503
        stream.recv()
        with pytest.raises(Exception, match="1012"):
            stream.recv()
    assert "Traceback" not in caplog.text


def test_a_message_that_is_too_long_ends_only_its_own_socket():
    with running(create_app(MockRecogniser(), Limits(frame_bytes=1000))) as url:
        address = f"{url.replace('http', 'ws')}/v1/stream"
        with connect(address) as wrong, connect(address) as right:
            right.recv(), wrong.recv()
            wrong.send(bytes(200_000))
            with pytest.raises(Exception, match="1009"):
                wrong.recv()
            right.send(RED)
            assert json.loads(right.recv())["type"] == "answer"
