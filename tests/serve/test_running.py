"""The server on a real socket."""

import contextlib
import http.client
import io
import json
import logging
import platform
import select
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser, Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.running import address, open_socket, running
from fingerspell.serve.smoke import _form, _send
from helpers.tiny_bundle import LABELS, picture

SMALL = Limits(picture_bytes=100_000)


@pytest.fixture(scope="module")
def url():
    with running(create_app(MockRecogniser(), SMALL)) as url:
        yield url


def send_pieces(url: str, limit: int, headers: dict[str, str]) -> tuple[int, dict, int, bool]:
    """Sends chunks until an answer comes or `limit` bytes are out.

    Returns status, body, bytes sent, and whether the server closes the connection.
    """
    parts, sent = urlsplit(url), 0
    fields = "".join(
        f"{name}: {value}\r\n" for name, value in {"Host": "localhost", **headers}.items()
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as line:
        line.sendall(f"POST /predict-image HTTP/1.1\r\n{fields}\r\n".encode())
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < limit and not select.select([line], [], [], 0)[0]:
                line.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                sent += 0x10000
        response = http.client.HTTPResponse(line)
        response.begin()
        closes = response.getheader("connection") == "close"
        return response.status, json.loads(response.read()), sent, closes


def test_a_body_without_end_is_not_read_to_its_end(url: str):
    status, body, sent, closes = send_pieces(url, 10**9, {"Transfer-Encoding": "chunked"})
    assert status == 413 and closes
    assert "too large" in body["found"]
    # The limit, and what sockets hold on their way.
    assert sent < SMALL.drained_bytes + 16 * 2**20


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": str(10**10)},
        {"Content-Length": str(SMALL.body_bytes + 1), "Expect": "100-continue"},
    ],
)
def test_a_body_that_announces_too_much_is_refused_unread(url: str, headers: dict[str, str]):
    status, _, sent, closes = send_pieces(url, 0, headers)
    assert (status, sent) == (413, 0)
    assert closes or "Expect" in headers


def test_a_body_that_is_a_little_too_long_is_answered_in_peace(url: str):
    data, kind = _form(b"\x00" * (2 * SMALL.picture_bytes), "large.jpg")
    status, body = _send(f"{url}/predict-image", data, kind)
    assert status == 413 and "too large" in body["found"]


def test_a_client_that_leaves_does_not_disturb_the_next(url: str):
    parts = urlsplit(url)
    half = b"POST /predict-image HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nab"
    for _ in range(5):
        with socket.create_connection((parts.hostname, parts.port)) as gone:
            gone.sendall(half)
    assert _send(f"{url}/health")[0] == 200


def test_many_clients_at_once_get_their_own_answers(recogniser: Recogniser):
    forms = {label: _form(encode_jpeg(picture(label)), "x.jpg") for label in LABELS}

    def ask(index: int) -> bool:
        label = LABELS[index % len(LABELS)]
        data, kind = forms[label]
        status, body = _send(f"{url}/predict-image?session_id=s{index % 5}", data, kind)
        return status == 200 and body["predicted_label"] == label

    with running(create_app(recogniser)) as url, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(120)))


def test_a_slow_picture_does_not_hold_up_health():
    class Slow(MockRecogniser):
        def watch(self, rgb, labels=None):
            time.sleep(1.0)
            return super().watch(rgb, labels)

    data, kind = _form(encode_jpeg(picture("A")), "x.jpg")
    with running(create_app(Slow())) as url, ThreadPoolExecutor(1) as pool:
        busy = pool.submit(_send, f"{url}/predict-image", data, kind)
        time.sleep(0.2)
        start_s = time.perf_counter()
        assert _send(f"{url}/health")[0] == 200
        assert time.perf_counter() - start_s < 0.5
        assert busy.result()[0] == 200


def test_an_address_can_be_opened_in_a_browser_and_not_taken_twice():
    with open_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address(taken) == f"http://127.0.0.1:{port}"
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} cannot be opened"):
            open_socket("127.0.0.1", port)
    for host, port in (("127.0.0.1", 70000), ("203.0.113.1", 0), ("no such", 0)):
        with pytest.raises(ConfigError):
            open_socket(host, port)


def test_answers_on_a_connection_that_is_kept_do_not_wait_for_acknowledgements(url: str):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    times_s = []
    for _ in range(20):
        start_s = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        times_s.append(time.perf_counter() - start_s)
    connection.close()
    # The quickest, so that a busy machine does not matter: late ones are late by 40 ms each.
    assert min(times_s[1:]) < 0.03


def test_a_server_beside_other_work_leaves_that_works_logging_alone():
    said = io.StringIO()
    handler, log = logging.StreamHandler(said), logging.getLogger("uvicorn.error")
    log.addHandler(handler)
    try:
        with running(create_app(MockRecogniser(), SMALL)):
            assert handler in log.handlers
    finally:
        log.removeHandler(handler)


KEPT = """
import ctypes, sys
from fingerspell.serve.running import give_memory_back
if sys.argv[1:]:
    give_memory_back()
def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
bytearray(b"x" * 30_000_000)
before = resident_mb()
large = [bytearray(b"x" * 5_000_000) for _ in range(8)]
above = bytearray(200_000)  # What lies behind them in a heap holds them there.
del large
print(resident_mb() - before)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="glibc's own matter"
)
def test_what_large_pictures_took_is_given_back_at_once():
    kept_mb, given_back_mb = (
        float(subprocess.check_output([sys.executable, "-c", KEPT, *argv], text=True))
        for argv in ([], ["now"])
    )
    assert kept_mb > 30 and given_back_mb < 5
