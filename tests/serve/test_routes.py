"""Routes beside the old ones: batches, sessions, and what the server says of itself."""

import base64
import json
import threading

import pytest

from fingerspell.images import encode_jpeg
from fingerspell.live.words import WordList
from fingerspell.serve import service
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.traffic import Traffic
from helpers.local_client import TestClient
from helpers.tiny_bundle import LABELS, picture

PICTURES = {label: encode_jpeg(picture(label)) for label in LABELS}
TEXTS = {label: base64.b64encode(data).decode() for label, data in PICTURES.items()}


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"images": [TEXTS["B"], "data:image/jpeg;base64," + TEXTS["A"], "AAAA"]}},
        {"files": [("image", PICTURES["B"]), ("image", PICTURES["A"]), ("image", b"\0\0\0")]},
    ],
)
def test_a_batch_is_answered_in_its_order_and_what_is_no_picture_by_its_error(client, sent):
    response = client.post("/v1/predict", **sent)
    assert response.status_code == 200
    *read, wrong = response.json()["answers"]
    assert [x["predicted_label"] for x in read] == ["B", "A"]
    assert all(x["accepted"] and len(x["predictions"]) == 5 for x in read)
    assert "3 bytes that are no picture" in wrong["found"]


@pytest.mark.parametrize(("fields", "thumbnails"), [({}, 0), ({"session_id": "me"}, 1)])
def test_a_picture_is_answered_by_one_call_in_one_thread(client, monkeypatch, fields, thumbnails):
    """On the event loop a picture would hold up everybody, and each change of threads costs."""
    calls = []
    for name in ("pixel_count", "decode", "thumbnail"):
        whole = getattr(service, name)
        monkeypatch.setattr(service, name, lambda *given, name=name, whole=whole: (
            calls.append((name, threading.current_thread().name[:7])), whole(*given)
        )[1])  # fmt: skip
    ran = []
    whole_run = Traffic.run
    monkeypatch.setattr(Traffic, "run", lambda *given: (ran.append(1), whole_run(*given))[1])
    assert client.post("/predict-image", content=PICTURES["A"], params=fields).status_code == 200
    names = ["pixel_count", "decode", *["thumbnail"] * thumbnails]
    assert calls == [(name, "picture") for name in names] and len(ran) == 1


def test_a_batch_obeys_the_labels_and_the_bare_bytes_are_a_batch_of_one(client):
    for asked in ({"content": PICTURES["A"], "params": {"labels": "B,C"}},
                  {"json": {"images": [TEXTS["A"]], "labels": "B,C"}}):  # fmt: skip
        (answer,) = client.post("/v1/predict", **asked).json()["answers"]
        assert {one["label"] for one in answer["predictions"]} <= {"B", "C"}


@pytest.mark.parametrize(
    ("sent", "status", "found"),
    [
        ({"json": {"images": []}}, 400, "0 pictures"),
        ({"json": {"images": [TEXTS["A"]] * 33}}, 400, "more than 32 pictures"),
        ({"files": [("image", PICTURES["A"])] * 33}, 400, "more than 32 pictures"),
        ({"files": [("image", PICTURES["A"])] * 99}, 400, "form that cannot be read"),
        ({"json": {"images": TEXTS["A"]}}, 400, "without a list"),
        ({"json": {"images": [7]}}, 400, "not a base64 string"),
        ({"json": {"images": [TEXTS["A"]], "labels": "Q-A"}}, 400, "Q"),
        ({"content": b""}, 400, "0 pictures"),
        ({"content": PICTURES["A"] + bytes(100_000)}, 413, "too large"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(client, sent, status: int, found: str):
    response = client.post("/v1/predict", **sent)
    assert response.status_code == status and found in response.json()["found"]


def frame(client, name: str, label: str, **more) -> dict:
    return dict(client.post(f"/predict-image?session_id={name}", data=more,
                            files={"image": PICTURES[label]}).json())  # fmt: skip


def test_a_session_is_made_read_undone_cleared_and_forgotten(recogniser):
    words = WordList([("ab", 900)], recogniser.labels)
    client = TestClient(create_app(recogniser, words=words))
    made = client.post("/v1/sessions")
    name = made.json()["session_id"]
    assert made.status_code == 201 and len(name) >= 20
    assert name != client.post("/v1/sessions").json()["session_id"]
    for label in "ABC":
        frame(client, name, label, commit="now")
    at = f"/v1/sessions/{name}"
    read = client.get(at).json()
    assert (read["session_id"], read["assembled_text"]) == (name, "ABC")
    assert client.head(at).status_code == 200
    undone = client.post(f"{at}/undo").json()
    assert undone["assembled_text"] == "AB" and undone["word"]["proposals"][0]["word"] == "AB"
    assert client.post(f"{at}/clear").json()["assembled_text"] == ""
    assert client.get(at).json()["assembled_text"] == ""
    assert client.delete(at).status_code == 204
    for method, path in (("GET", at), ("POST", f"{at}/undo"), ("DELETE", at)):
        gone = client.request(method, path)
        assert gone.status_code == 404 and "POST /v1/sessions" in gone.json()["fix"]


def test_a_frames_own_time_decides_when_a_sign_counts(client):
    told = [frame(client, "told", "A", at_ms=str(100 * n))["assembled_text"] for n in range(6)]
    assert (told[0], told[-1]) == ("", "A"), "the server's clock stands still"
    assert [frame(client, "untold", "A")["assembled_text"] for _ in range(6)][-1] == ""
    for wrong in ("soon", "-1", "nan", "inf", "1e999"):
        refused = frame(client, "told", "A", at_ms=wrong)
        assert "at_ms" in refused["found"]


def test_the_address_is_obeyed_where_the_body_says_nothing(client):
    for body in ({"image": TEXTS["A"]}, {"image": TEXTS["A"], "commit": None, "session_id": ""}):
        path = "/predict-image?commit=now&session_id=of-the-address"
        text = client.post(path, json=body).json()["assembled_text"]
    assert text == "AA"
    said = {"image": TEXTS["A"], "commit": "now"}
    assert client.post("/predict-image?commit=hold&session_id=b", json=said).json()["counted"]


def test_the_server_says_what_it_serves_and_what_it_takes(client, recogniser):
    told = client.get("/v1/model").json()
    assert told["labels"] == told["allowed"] == list(LABELS) and told["size"] == [48, 40]
    assert told["files"] == recogniser.contract.files
    assert told["limits"]["picture_bytes"] == 100_000 and told["limits"]["batch"] == 32
    client.get("/nowhere")
    assert client.get("/readyz").json() == {"status": "ready"}
    counted = client.get("/metrics")
    assert counted.headers["content-type"].startswith("text/plain")
    for line in (
        'fingerspell_requests_total{route="/v1/model",status="200"} 1.0',
        'fingerspell_requests_total{route="none",status="404"} 1.0',
        "fingerspell_sessions 0.0",
    ):
        assert line in counted.text


@pytest.mark.parametrize("path", ["/health", "/readyz", "/v1/model", "/metrics", "/openapi.json"])
def test_head_is_answered_without_a_body(client, path: str):
    response = client.head(path)
    assert response.status_code == 200 and response.content == b""


def test_the_description_names_the_limits(recogniser):
    app = create_app(recogniser, Limits(picture_bytes=5000, session_id_chars=9, batch=3))
    paths = TestClient(app).get("/openapi.json").json()["paths"]
    one = {x["name"]: x["schema"] for x in paths["/predict-image"]["post"]["parameters"]}
    assert one["session_id"]["maxLength"] == 9 and one["commit"]["enum"] == ["hold", "now"]
    batch = paths["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert batch["properties"]["images"]["maxItems"] == 3
    assert {"408", "413", "415", "429", "503"} <= paths["/predict-image"]["post"][
        "responses"
    ].keys()
    assert not [told for path in paths.values() for told in path.values()
                if "422" in told["responses"]], "one shape of errors"  # fmt: skip


def test_the_description_holds_what_older_tools_read(recogniser):
    assert "prefixItems" not in json.dumps(create_app(recogniser).openapi())
