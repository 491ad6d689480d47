"""Requests that would stop a server: each is refused at once, and memory and time are bounded."""

import asyncio
import io
import json
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from benchmarks.speed.abuse import Findings, mutated, originals, send
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.runtime import MockRecogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.problems import RequestError
from fingerspell.serve.traffic import Traffic
from fingerspell.serve.upload import from_base64, members_of_json
from helpers.local_client import TestClient
from helpers.tiny_bundle import picture

RED = encode_jpeg(picture("A"))
FORM, JSON, PAIRS = "multipart/form-data", "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a" * 32 + b" " * 60_000 + b"%", "text/plain", 415),  # took minutes of one thread
        (b'{"a":[' + b"[]," * 30_000 + b"[]]}", JSON, 400),
        (b'{"a":"' + b"\\n" * 45_000 + b'"}', JSON, 400),
        (b"image=" + b"%41" * 40_000, PAIRS, 400),
        (b'{"a":1' + b"1" * 90_000 + b"}", JSON, 400),
        (b"image=a" + b"&a=1" * 30_000, PAIRS, 400),
        (b"labels=" + b"A," * 30_000 + b"&image=", PAIRS, 400),
    ],
)
def test_a_body_made_to_take_long_is_refused_quickly(client, body: bytes, kind: str, status: int):
    start_s = time.process_time()
    response = client.post("/predict-image", content=body, headers={"Content-Type": kind})
    assert response.status_code == status and response.json()["fix"]
    assert time.process_time() - start_s < 2


def test_what_real_clients_escape_is_still_read():
    text = json.dumps({"image": "/" * 60_000}).replace("/", "\\/" * 1)
    with pytest.raises(RequestError, match="every character is escaped"):
        members_of_json(text.encode())
    usual = json.dumps({"image": ("A" * 63 + "/") * 3000}).replace("/", "\\/")
    assert len(members_of_json(usual.encode())["image"]) == 192_000
    assert from_base64(b"data:image/png;base64, QUJ\r\n\tD ") == b"ABC"


@pytest.mark.parametrize("charset", ["punycode", "rot13", "hex", "undefined", "idna", "utf-16", ""])
def test_a_forms_charset_names_no_codec_of_ours(client, charset: str):
    body = b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n\xff\xfe-a\r\n--x--\r\n'
    kind = {"Content-Type": f"{FORM}; boundary=x; charset={charset}"}
    assert client.post("/predict-image", content=body, headers=kind).status_code == 400
    sent = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
    body = sent + RED + b"\r\n--x--\r\n"
    assert client.post("/predict-image", content=body, headers=kind).status_code == 200


@pytest.mark.parametrize("size", [(4001, 4000), (65_000, 300)])
def test_more_than_16_megapixels_are_refused_before_they_are_unpacked(client, size):
    whole = io.BytesIO()
    Image.new("L", size).save(whole, "PNG")
    start_s = time.process_time()
    for path in ("/predict-image", "/v1/predict"):
        response = client.post(path, content=whole.getvalue())
        assert "at most 16,000,000 pixels" in response.text
    assert time.process_time() - start_s < 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("session_id", 10**200), ("session_id", "x" * 129), ("labels", "A," * 600), ("at_ms", [])],
)
def test_a_field_that_is_too_long_or_of_another_kind_is_a_400(client, name: str, value: object):
    response = client.post("/predict-image", json={"image": "AAAA", name: value})
    assert response.status_code == 400 and name in response.json()["found"]


@pytest.mark.parametrize("name", ["picture_bytes", "header_s", "client_rate", "waiting"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1])
def test_a_limit_that_is_none_is_refused(name: str, value: float):
    with pytest.raises(ConfigError, match=name):
        Limits(**{name: value})


def test_bodies_are_held_up_to_a_limit_and_the_slowest_one_gives_way(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr("fingerspell.serve.traffic.time.monotonic", lambda: now_s)
    traffic = Traffic(Limits(picture_bytes=600_000))
    most = traffic.limits.held_bytes
    with traffic.hold() as stopped, traffic.hold() as going:
        traffic.add(stopped, bytes(1000))
        traffic.add(going, bytes(most // 2))
        now_s += 3
        with traffic.hold() as late:
            traffic.add(late, bytes(most // 2))
            assert stopped.given_up and not stopped.body and not late.given_up
            traffic.add(late, bytes(most // 2))
            assert going.given_up and not late.given_up
            with traffic.hold() as flood:
                traffic.add(flood, bytes(most))
                assert flood.given_up and not late.given_up, "the others are quick"
        assert traffic.held_bytes == 0


def test_what_is_not_done_when_the_server_stops_is_cancelled():
    async def stop() -> list[bool]:
        traffic = Traffic(Limits())
        ended = []

        async def work(seconds: float) -> None:
            with traffic.until_drained() as scope:
                await asyncio.sleep(seconds)
            ended.append(scope.cancelled_caught)

        tasks = [asyncio.create_task(work(seconds)) for seconds in (0.05, 20)]
        await asyncio.sleep(0.01)
        traffic.drain(0.2)
        await asyncio.gather(*tasks)
        return ended

    assert asyncio.run(stop()) == [False, True]


def test_large_pictures_wait_for_each_other_and_nobody_waits_for_them():
    begun, may = [], threading.Event()

    class Slow(MockRecogniser):
        def watch(self, rgb, labels=None):
            if rgb.shape[0] > 1000:
                begun.append(1)
                assert may.wait(10)
            return super().watch(rgb, labels)

    large = io.BytesIO()
    Image.new("L", (1001, 1001)).save(large, "PNG")
    app = create_app(Slow(), Limits(quick_pixels=1_000_000, parallel=2))
    with TestClient(app) as client, ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(client.post, "/predict-image", content=large.getvalue())
                 for _ in range(20)]  # fmt: skip
        answers = [client.post("/predict-image", content=RED) for _ in range(2)]
        assert [x.status_code for x in answers] == [200, 200] and len(begun) <= 1
        while sum(one.done() for one in asked) < 12:
            time.sleep(0.01)
        may.set()
        answers = [one.result() for one in asked]
        assert Counter(x.status_code for x in answers) == {200: 8, 503: 12}
        with client.websocket_connect("/v1/stream") as socket:
            socket.receive_json()
            socket.send_bytes(large.getvalue())
            assert "at most 1,000,000 pixels" in socket.receive_json()["expected"]


def test_mutated_pictures_of_every_format_get_an_answer_or_the_one_shape_of_errors(client):
    """The quick part of `benchmarks/speed/abuse.py`."""
    found, files = Findings(), originals()
    for number in range(20 * len(files)):
        rng = random.Random(f"quick {number}")
        data = mutated(files[number % len(files)], rng)
        found.check(f"upload {number}", send(client, rng.randrange(5), data), 0.0)
    assert found.wrong == [] and set(found.answers) == {200, 400, 413, 415}
