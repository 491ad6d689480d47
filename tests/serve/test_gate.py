"""Who may come in: hosts, keys, rates and pages; and what is said to those who may not."""

import gzip

import pytest
from starlette.websockets import WebSocketDisconnect

from fingerspell.runtime import MockRecogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.gate import Rates, host_of
from fingerspell.serve.limits import Limits
from helpers.local_client import TestClient

KEY = "a-key-of-sixteen.characters"


def client(limits: Limits | None = None, **more) -> TestClient:
    return TestClient(create_app(MockRecogniser(), limits, **more))


def test_a_host_header_is_read_as_a_name():
    names = {"A.b:80": "a.b", "[::1]:5000": "::1", "::1": "::1", "1.2.3.4": "1.2.3.4", " x ": "x"}
    assert {header: host_of(header) for header in names} == names


@pytest.mark.parametrize(
    ("host", "hosts", "status"),
    [
        ("localhost:5000", (), 200),
        ("127.0.0.1", (), 200),
        ("192.168.1.7:5000", (), 200),
        ("[::1]:5000", (), 200),
        ("localhost.", (), 200),
        ("evil.example", (), 421),
        ("127.0.0.1.evil.example", (), 421),
        ("localhost.evil.example:80", (), 421),
        ("My.Example:443", ("my.example",), 200),
        ("evil.example", ("my.example",), 421),
        ("evil.example", ("*",), 200),
    ],
)
def test_only_known_hosts_are_answered(host: str, hosts, status: int):
    answer = client(hosts=hosts).get("/health", headers={"Host": host})
    assert answer.status_code == status
    assert status == 200 or "--allowed_host" in answer.json()["fix"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": KEY}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {KEY}"}, 401),
        ({"Authorization": b"Bearer \xe4"}, 401),
        ({"Authorization": f"Bearer {KEY}"}, 200),
        ({"Authorization": f"bearer  {KEY}"}, 200),
        ({"X-Api-Key": KEY}, 200),
    ],
)
def test_a_server_with_keys_answers_those_who_have_one(headers, status: int):
    served = client(keys=("another-key-of-some-one", KEY))
    for path in ("/health", "/v1/model", "/metrics", "/openapi.json"):
        answer = served.get(path, headers=headers)
        assert answer.status_code == status and KEY not in answer.text
    assert served.get("/readyz").status_code == 200, "probes have no key"


def test_a_page_sends_its_key_as_a_protocol_of_the_socket():
    served = client(keys=(KEY,))
    with served.websocket_connect("/v1/stream", subprotocols=["fingerspell", f"key.{KEY}"]) as one:
        assert one.accepted_subprotocol == "fingerspell" and one.receive_json()["type"] == "ready"
    for protocols in ([], ["fingerspell", "key.wrong"]):
        with pytest.raises(WebSocketDisconnect):
            served.websocket_connect("/v1/stream", subprotocols=protocols).__enter__()


@pytest.mark.parametrize(
    ("page", "cors", "allowed"),
    [
        ("http://localhost:3000", (), True),
        ("https://evil.example", (), False),
        ("null", (), False),
        ("https://my.example", ("https://my.example",), True),
        ("https://evil.example", ("https://my.example",), False),
        ("https://evil.example", ("*",), True),
    ],
)
def test_only_allowed_pages_may_open_a_socket(page: str, cors, allowed: bool):
    served = client(cors=cors)
    opened = served.websocket_connect("/v1/stream", headers={"Origin": page})
    if allowed:
        with opened as socket:
            assert socket.receive_json()["type"] == "ready"
    else:
        with pytest.raises(WebSocketDisconnect):
            opened.__enter__()


def test_a_client_has_so_many_requests_a_second_and_others_theirs():
    rates = Rates(5.0)
    assert [rates.allow("a", 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert rates.allow("b", 0.0)
    assert [rates.allow("a", 0.21) for _ in range(2)] == [True, False]
    assert all(Rates(0.0).allow("a", 0.0) for _ in range(99)), "0 is no limit"
    served = client(Limits(client_rate=1.0))
    answers = [served.get("/health") for _ in range(4)]
    assert [x.status_code for x in answers][:2] == [200, 200] and answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "1" and "1 a second" in answers[-1].text


def test_a_page_without_a_key_gets_what_is_no_secret(tmp_path):
    (tmp_path / "index.html").write_text("<title>Studio</title>")
    (tmp_path / "litert.wasm.gz").write_bytes(gzip.compress(b"wasm"))
    served, accept = client(keys=(KEY,), static=tmp_path), {"Accept": "text/html"}
    assert served.get("/", headers=accept).status_code == 200
    assert served.get("/litert.wasm").content == b"wasm"
    assert served.get("/studio.json").status_code == 401
    known = {"Authorization": f"Bearer {KEY}"}
    assert served.get("/studio.json", headers=known).json()["labels"]
