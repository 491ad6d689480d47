"""The server's two addresses, as the old server's clients call them."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fingerspell
from fingerspell.images import encode_jpeg
from fingerspell.live.words import WordList
from fingerspell.runtime import MockRecogniser, Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from helpers.local_client import TestClient
from helpers.picture_files import saved
from helpers.tiny_bundle import LABELS, picture

RED = encode_jpeg(picture("A"))
KEYS = {
    "predictions", "top_prediction", "predicted_label", "assembled_text", "accepted", "threshold",
    "time_ms", "mock", "shown", "counted", "word",
}  # fmt: skip
IN_JSON = base64.b64encode(RED).decode()


def send(client: TestClient, data: bytes = RED, **fields: str):
    return client.post("/predict-image", files={"image": ("hand.jpg", data)}, data=fields)


def problem(response) -> dict[str, str]:
    """Checks the one error shape and returns its inside."""
    body = response.json()
    assert list(body) == ["error", "found", "expected", "fix"]
    assert all(isinstance(text, str) and text for text in body.values())
    assert body["found"] in body["error"] and body["fix"] in body["error"], "a page shows this"
    return body


def test_health_says_what_is_served(client: TestClient):
    assert client.get("/health").json() == {
        "status": "ok",
        "model": "TinyColours float32",
        "labels": list(LABELS),
        "size": [48, 40],
        "threshold": 0.7,
        "mock": False,
        "version": fingerspell.__version__,
    }


@pytest.mark.parametrize("label", LABELS)
def test_a_form_with_a_picture_is_answered(client: TestClient, label: str):
    response = send(client, encode_jpeg(picture(label)))
    body = response.json()
    assert response.status_code == 200 and set(body) == KEYS
    assert body["predicted_label"] == body["top_prediction"]["label"] == label
    assert body["predictions"][0] == body["top_prediction"]
    assert len(body["predictions"]) == 5
    assert body["accepted"] is True and body["threshold"] == 0.7 and body["time_ms"] > 0
    assert body["assembled_text"] is None and body["shown"] is None


@pytest.mark.parametrize("member", ["image_base64", "image"])
@pytest.mark.parametrize(
    "text", [IN_JSON, f"data:image/jpeg;base64,{IN_JSON}", base64.encodebytes(RED).decode()]
)
def test_json_with_base64_is_answered(client: TestClient, member: str, text: str):
    response = client.post("/predict-image", json={member: text})
    assert response.json()["predicted_label"] == "A"


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", None]
)
def test_the_bare_bytes_are_answered(client: TestClient, kind: str | None):
    headers = {"Content-Type": kind} if kind else {}
    response = client.post("/predict-image", content=RED, headers=headers)
    assert response.json()["predicted_label"] == "A"


URL = f"data:image/jpeg;base64,{IN_JSON}"
URL_SAFE = base64.urlsafe_b64encode(RED).decode().rstrip("=")
FORM = "application/x-www-form-urlencoded"
OTHERS = [saved(Image.fromarray(picture("A")), kind) for kind in ("JPEG", "PNG", "WEBP", "BMP")]


def part(head: str, data: bytes) -> bytes:
    """A multipart form of one part, as other clients than browsers write it."""
    return b"--edge\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n--edge--\r\n"


@pytest.mark.parametrize("data", OTHERS)
@pytest.mark.parametrize(
    "head",
    [
        'content-disposition: form-data; name="image"; filename="a.jpg"',
        'content-type: image/jpeg\r\ncontent-disposition: form-data; name="image"',
        'content-disposition: form-data; name="image"',
        'content-disposition: form-data; name="image_base64"',
    ],
)
def test_a_part_is_the_picture_whatever_it_says_of_itself(client: TestClient, head: str, data):
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    response = client.post("/predict-image", content=part(head, data), headers=kind)
    assert response.status_code == 200


@pytest.mark.parametrize("text", [URL, URL.upper()[:22] + URL[22:], IN_JSON, URL_SAFE])
@pytest.mark.parametrize("field", ["image", "image_base64"])
@pytest.mark.parametrize(
    "send_it",
    [
        lambda c, x, y: c.post("/predict-image", files={x: (None, y)}),
        lambda c, x, y: c.post("/predict-image", data={x: y}),
        lambda c, x, y: c.post(
            "/predict-image", content=f"commit=now&{x}={y}", headers={"Content-Type": FORM}
        ),
        lambda c, x, y: c.post("/predict-image", json={x: y}),
        lambda c, x, y: c.post("/predict-image", content=json.dumps({x: y})),
        lambda c, x, y: c.post(
            "/predict-image", content=json.dumps({x: y}), headers={"Content-Type": "text/plain"}
        ),
        lambda c, _, y: c.post("/predict-image", content=y, headers={"Content-Type": "text/plain"}),
    ],
    ids=["text part", "urlencoded", "plus unescaped", "JSON", "no type", "JSON as text", "body"],
)
def test_a_picture_in_text_is_answered(client: TestClient, send_it, field: str, text: str):
    response = send_it(client, field, text)
    assert response.status_code == 200, response.text
    assert response.json()["predicted_label"] == "A"


def test_fields_beside_a_picture_in_text_are_read(client: TestClient):
    body = {"image": URL, "session_id": "s", "commit": "now"}
    assert client.post("/predict-image", data=body).json()["assembled_text"] == "A"


@pytest.mark.parametrize("path", ["/data/user/0/hand.jpg", "C:\\hand.jpg", "hello"])
def test_a_path_in_place_of_the_picture_is_told(client: TestClient, path: str):
    for response in (
        client.post("/predict-image", data={"image": path}),
        client.post("/predict-image", files={"image": (None, path)}),
    ):
        assert response.status_code == 400 and "not its path" in problem(response)["fix"]


def test_a_form_without_a_picture_says_what_arrived(client: TestClient):
    response = client.post("/predict-image", files={"photo": ("hand.jpg", RED)}, data={"a": "b"})
    assert problem(response)["found"] == "no image, but the fields a, photo"


def test_an_unsure_answer_is_marked(client: TestClient):
    between = (picture("A").astype(int) + picture("B")) // 2
    body = send(client, encode_jpeg(between.astype(np.uint8))).json()
    assert body["accepted"] is False and body["top_prediction"]["score"] < 0.7
    assert body["predicted_label"] in LABELS


@pytest.mark.parametrize(
    "asked",
    [
        {"files": {"image": ("hand.jpg", RED)}, "data": {"session_id": "me"}},
        {"json": {"image": IN_JSON, "session_id": "me"}},
        {"params": {"session_id": "me"}, "content": RED},
    ],
)
def test_a_session_collects_text_however_it_is_named(client: TestClient, clock, asked):
    for index in range(6):
        clock.now_s = index / 10
        text = client.post("/predict-image", **asked).json()["assembled_text"]
    assert text == "A"


def test_a_session_writes_deletes_and_spaces_as_the_live_rules_say(client: TestClient, clock):
    seen = []
    for label in ["A", "B", "space", "A", "nothing", "A", "del"]:
        for _ in range(8):
            clock.now_s += 0.1
            body = send(client, encode_jpeg(picture(label)), session_id="me").json()
            if body["counted"]:
                seen.append((body["counted"], body["assembled_text"]))
    assert [sign for sign, _ in seen] == ["A", "B", "space", "A", "A", "del"]
    assert [text for _, text in seen] == ["A", "AB", "AB ", "AB A", "AB AA", "AB A"]


def test_a_single_photograph_counts_only_when_the_client_says_so(client: TestClient):
    numbered = {"image": IN_JSON, "session_id": 7, "commit": "now"}
    first = client.post("/predict-image", json=numbered).json()
    second = send(client, RED, session_id="7", commit="now").json()
    assert [body["assembled_text"] for body in (first, second)] == ["A", "AA"]
    assert first["counted"] == "A"
    assert send(client, RED, session_id="of a stream").json()["assembled_text"] == ""


def test_mending_a_damaged_picture_is_bounded(recogniser: Recogniser):
    """Two bytes in front of each restart marker are found at the third try."""
    clean = saved(Image.new("RGB", (64, 48), (200, 90, 30)), "JPEG", restart_marker_blocks=1)
    damaged = re.sub(rb"(?=\xff[\xd0-\xd7])", b"\x55\x55", clean)
    for pixels, status in ((64 * 48 * 2, 415), (Limits().repair_pixels, 200)):
        with TestClient(create_app(recogniser, Limits(repair_pixels=pixels))) as client:
            assert send(client, damaged).status_code == status


@pytest.mark.parametrize("where", ["form", "address", "server"])
def test_only_allowed_labels_are_answered(recogniser: Recogniser, where: str):
    others = ",".join(LABELS[1:3])
    served = Recogniser(recogniser.contract, recogniser._network, "float32", LABELS[1:3])
    with TestClient(create_app(served if where == "server" else recogniser)) as client:
        files = {"image": ("hand.jpg", RED)}
        fields = {"labels": others} if where == "form" else {}
        asked = {"labels": others} if where == "address" else {}
        body = client.post("/predict-image", files=files, data=fields, params=asked).json()
        shown = client.get("/health").json()["labels"]
    assert {one["label"] for one in body["predictions"]} == set(LABELS[1:3])
    assert sum(one["score"] for one in body["predictions"]) == pytest.approx(1)
    assert shown == list(LABELS[1:3] if where == "server" else LABELS)


@pytest.mark.parametrize("labels", ["Q-A", "hello", 7])
def test_labels_that_cannot_be_are_a_400(client: TestClient, labels: object):
    response = client.post("/predict-image", json={"image": IN_JSON, "labels": labels})
    assert response.status_code == 400 and "A-Z" in problem(response)["fix"]


def test_words_are_proposed_where_they_are_switched_on_and_the_text_stays(recogniser, client):
    words = WordList([("abba", 50), ("cab", 900), ("bab", 2), ("babc", 2)], recogniser.labels)
    switched_on = TestClient(create_app(recogniser, words=words))
    for label in ["A", "B", "A", "space"]:
        fields = {"session_id": "me", "commit": "now"}
        body = send(switched_on, encode_jpeg(picture(label)), **fields).json()
        assert send(client, encode_jpeg(picture(label)), **fields).json()["word"] is None
    assert body["assembled_text"] == "ABA " and body["word"]["letters"] == "ABA"
    assert body["word"]["proposals"][0]["word"] == "ABBA"
    assert send(switched_on, RED).json()["word"] is None, "no session, no word"
    body = send(switched_on, encode_jpeg(picture("B")), **fields).json()["word"]
    assert body["letters"] == "B" and "BABC" in [one["word"] for one in body["completions"]]


def test_the_stand_in_says_so_in_health_and_answers():
    client = TestClient(create_app(MockRecogniser()))
    assert client.get("/health").json()["mock"] is True
    assert send(client).json()["mock"] is True


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"content": b"", "headers": {"Content-Type": "image/jpeg"}},
        {"json": {}},
        {"json": {"image": None}},
        {"content": b"image=", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"files": {"picture": ("hand.jpg", RED)}},
        {"files": {"image": ("hand.jpg", b"")}},
    ],
)
def test_a_request_without_a_picture_is_a_400(client: TestClient, asked: dict[str, Any]):
    response = client.post("/predict-image", **asked)
    assert response.status_code == 400
    assert problem(response)["found"].startswith("no image")


@pytest.mark.parametrize(
    ("content", "kind", "found"),
    [
        (b"{", "application/json", "JSON that cannot be read"),
        (b"\xff\xfe", "application/json", "JSON that cannot be read"),
        (b"[" * 900, "application/json", "JSON that cannot be read"),
        (b"[1]", "application/json", "not an object"),
        (b'{"image": 5}', "application/json", "not a base64 string"),
        (b'{"image": "%%%"}', "application/json", "base64 that cannot be read"),
        ('{"image": "ä"}'.encode(), "application/json", "base64 that cannot be read"),
        (b'{"image": "data:image/png,abc"}', "application/json", "data URL"),
        (b"x", "multipart/form-data", "boundary"),
        (b"x", "multipart/form-data; boundary=abc", "form that cannot be read"),
        (
            b'--abc\r\nContent-Disposition: form-data; name="image"\r\n\r\nhello\r\n--abc--\r\n',
            "multipart/form-data; boundary=abc",
            "that is text",
        ),
        (b"image=1" + b"&a=1" * 40, FORM, "form that cannot be read"),
    ],
)
def test_a_malformed_request_is_a_400(client: TestClient, content: bytes, kind: str, found: str):
    response = client.post("/predict-image", content=content, headers={"Content-Type": kind})
    assert response.status_code == 400
    assert found in problem(response)["found"]


@pytest.mark.parametrize(
    "fields",
    [{"session_id": ["a"]}, {"session_id": True}, {"session_id": "x" * 129}, {"commit": 3}],
)
def test_a_session_that_cannot_be_is_a_400(client: TestClient, fields: dict[str, object]):
    response = client.post("/predict-image", json={"image": IN_JSON, **fields})
    assert response.status_code == 400
    problem(response)


@pytest.mark.parametrize(
    "data", [b"hello", RED[: len(RED) // 4], b"<svg/>", b"\xff\xd8\xff", b"\x00" * 1000]
)
def test_bytes_that_are_no_picture_are_a_415(client: TestClient, data: bytes):
    response = send(client, data)
    assert response.status_code == 415
    problem(response)


def test_a_picture_at_the_limit_is_answered_and_one_byte_more_is_a_413(client: TestClient):
    exact = RED + b"\x00" * (100_000 - len(RED))
    assert send(client, exact).status_code == 200
    response = send(client, exact + b"\x00")
    assert response.status_code == 413
    assert "0.095" in problem(response)["expected"]
    image = base64.b64encode(exact + RED).decode()
    assert client.post("/predict-image", json={"image": image}).status_code == 413


def test_head_of_health_is_answered_without_a_body(client: TestClient):
    response = client.head("/health")
    assert response.status_code == 200 and response.content == b""


@pytest.mark.parametrize("allowed", [True, False])
def test_an_allowed_page_on_a_public_address_may_call_this_machine(recogniser, allowed: bool):
    client = TestClient(create_app(recogniser, cors=("https://page.example",)))
    asked = {
        "Origin": "https://page.example" if allowed else "https://other.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    response = client.options("/predict-image", headers=asked)
    assert (response.status_code == 200) is allowed
    if allowed:
        assert response.headers["Access-Control-Allow-Private-Network"] == "true"


def test_unknown_addresses_and_methods_have_the_same_error_shape(client: TestClient):
    missing, wrong = client.get("/nowhere"), client.get("/predict-image")
    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert "/nowhere" in problem(missing)["found"]
    assert "POST /predict-image" in problem(wrong)["expected"]
    assert wrong.headers["allow"] == "POST"


def test_the_protocols_page_shows_what_the_server_answers(client: TestClient, recogniser):
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
    shown = {
        name: json.loads(text)
        for name, text in re.findall(r"<!-- answer (\w+) -->\n```json\n(.*?)```", page, re.DOTALL)
    }
    answered = {
        "health": client.get("/health").json(),
        "picture": send(
            TestClient(create_app(recogniser, words=WordList([("a", 1), ("ab", 1)], LABELS))),
            session_id="of the page",
            commit="now",
        ).json(),
        "error": client.post("/predict-image").json(),
    }
    assert {x: list(y) for x, y in shown.items()} == {x: list(y) for x, y in answered.items()}
    for name, body in shown.items():
        for key, value in body.items():
            kinds = (type(value), type(answered[name][key]))
            assert len({*kinds} - {type(None)}) == 1 or key == "counted", (name, key)
    assert shown["picture"]["word"].keys() == answered["picture"]["word"].keys()
    for kind in ("proposals", "completions"):
        assert {*shown["picture"]["word"][kind][0]} == {*answered["picture"]["word"][kind][0]}
    assert shown["picture"]["top_prediction"] == shown["picture"]["predictions"][0]
    for status in (400, 401, 403, 404, 405, 408, 413, 415, 421, 429, 500, 503):
        assert str(status) in page


def test_no_page_that_loads_scripts_from_elsewhere_is_served(client: TestClient):
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
    described = client.get("/openapi.json").json()["paths"]["/predict-image"]["post"]
    kinds = set(described["requestBody"]["content"])
    assert kinds == {"multipart/form-data", "application/json", "image/jpeg"}


def test_an_error_inside_is_a_500_in_the_same_shape_without_its_secrets(recogniser: Recogniser):
    class Broken(MockRecogniser):
        def watch(self, rgb, labels=None):
            raise RuntimeError("secret path")

    client = TestClient(create_app(Broken()), raise_server_exceptions=False)
    response = send(client)
    assert response.status_code == 500
    assert "secret" not in json.dumps(problem(response))


@pytest.mark.parametrize(
    ("cors", "origin", "allowed"),
    [
        ((), "http://localhost:3000", True),
        ((), "http://127.0.0.1:8080", True),
        ((), "https://evil.example", False),
        ((), "http://localhost.evil.example", False),
        (("*",), "https://evil.example", True),
        (("https://my.example",), "https://my.example", True),
        (("https://my.example",), "http://localhost:3000", False),
    ],
)
def test_only_allowed_pages_may_call(cors: tuple[str, ...], origin: str, allowed: bool):
    client = TestClient(create_app(MockRecogniser(), cors=cors))
    response = client.get("/health", headers={"Origin": origin})
    assert ("access-control-allow-origin" in response.headers) is allowed
