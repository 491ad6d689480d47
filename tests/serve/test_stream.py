"""`WS /v1/stream`: frames in, letters and text out, the newest frame first."""

import base64
import json
import threading
import time

import pytest
from starlette.websockets import WebSocketDisconnect

from fingerspell.images import encode_jpeg
from fingerspell.live.words import WordList
from fingerspell.runtime import MockRecogniser
from fingerspell.serve import protocol
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from helpers.local_client import TestClient
from helpers.tiny_bundle import LABELS, picture

PICTURES = {label: encode_jpeg(picture(label)) for label in LABELS}


def spell(socket, clock, *labels: str, count: int = 8) -> dict:
    """Sends ten frames a second of each label; returns the last answer."""
    for label in labels:
        for _ in range(count):
            clock.now_s += 0.1
            socket.send_bytes(PICTURES[label])
            answer = socket.receive_json()
    return answer


def ask(socket, kind: str, **more) -> dict:
    socket.send_text(json.dumps({"type": kind, **more}))
    return dict(socket.receive_json())


def in_time(label: str, at_ms: float) -> dict:
    return {"at_ms": at_ms, "image_base64": base64.b64encode(PICTURES[label]).decode()}


def test_a_socket_spells_and_its_text_can_be_undone_and_cleared(client, clock):
    with client.websocket_connect("/v1/stream") as socket:
        ready = socket.receive_json()
        assert (ready["type"], ready["labels"], ready["words"]) == ("ready", list(LABELS), False)
        answer = spell(socket, clock, "A", "B", "space")
        assert (answer["type"], answer["assembled_text"]) == ("answer", "AB ")
        assert (answer["frame"], answer["dropped"], answer["at_ms"]) == (24, 0, None)
        assert ask(socket, "undo") == {"type": "text", "assembled_text": "AB", "word": None}
        assert ask(socket, "clear")["assembled_text"] == ""
        assert spell(socket, clock, "space")["assembled_text"] == "", "still held: not again"
        assert spell(socket, clock, "C")["assembled_text"] == "C"
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        assert spell(socket, clock, "A")["assembled_text"] == "A", "a text of its own"


def test_a_frames_own_time_counts_and_never_goes_back(client):
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        texts = [ask(socket, "frame", **in_time("A", 100 * n))["assembled_text"] for n in range(6)]
        assert texts[0] == "" and texts[-1] == "A", "the server's clock stands still"
        problem = ask(socket, "frame", **in_time("A", 100))
        assert problem["type"] == "error" and problem["frame"] == 7 and "goes back" in str(problem)
        assert ask(socket, "frame", **in_time("A", 900))["type"] == "answer"


@pytest.mark.parametrize("sent", [
    "{", "[]", "7", '{"type": "dance"}', '{"type": "frame"}', '{"type": "clear", "more": 1}',
    '{"type": "frame", "at_ms": -1, "image_base64": ""}',
    '{"type": "frame", "at_ms": 1e999, "image_base64": ""}',
    '{"type": "frame", "at_ms": 0, "image_base64": "%"}', "[" * 50_000,
    b"", b"no picture", PICTURES["A"][:300], b"x" * 3000,
])  # fmt: skip
def test_what_cannot_be_used_is_told_and_the_stream_goes_on(recogniser, clock, sent):
    client = TestClient(create_app(recogniser, Limits(frame_bytes=2500), clock=clock))
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        socket.send_text(sent) if isinstance(sent, str) else socket.send_bytes(sent)
        problem = socket.receive_json()
        assert problem["type"] == "error" and problem["found"] and problem["fix"]
        assert spell(socket, clock, "A")["assembled_text"] == "A"


@pytest.mark.parametrize("query", [
    "labels=QQ", "rules=most", "votes=3", "rules=hold&votes=x", "hold_s=-1", "hold_s=nan",
    "words=1", "words=yes", "lables=A",
])  # fmt: skip
def test_an_address_that_cannot_be_is_refused_with_the_reason(client, query: str):
    with client.websocket_connect(f"/v1/stream?{query}") as socket:
        assert socket.receive_json()["type"] == "error"
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1008


def test_labels_rules_and_words_are_the_sockets_own(recogniser, clock):
    words = WordList([("ab", 900)], recogniser.labels)
    client = TestClient(create_app(recogniser, words=words, clock=clock))
    with client.websocket_connect("/v1/stream?labels=A,B") as socket:
        assert socket.receive_json()["labels"] == ["A", "B"]
        answer = spell(socket, clock, "A", "B")
        assert answer["assembled_text"] == "AB"
        assert {one["label"] for one in answer["predictions"]} <= {"A", "B"}
        assert answer["word"]["proposals"][0]["word"] == "AB"
        assert ask(socket, "undo")["word"]["letters"] == "A"
    with client.websocket_connect("/v1/stream?words=0&rules=hold&hold_s=1") as socket:
        socket.receive_json()
        answer = spell(socket, clock, "A")
        assert answer["word"] is None and answer["assembled_text"] == "", "not held for 1 s"


class Slow(MockRecogniser):
    """Reads when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may, self.begun = threading.Event(), threading.Event()

    def watch(self, rgb, labels=None):
        self.begun.set()
        assert self.may.wait(10)
        return super().watch(rgb, labels)


def test_stale_frames_are_dropped_and_counted_and_the_newest_is_answered():
    slow = Slow()
    client = TestClient(create_app(slow))
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        socket.send_bytes(PICTURES["A"])
        assert slow.begun.wait(10)
        for label in ("B", "C", "B", "space"):
            socket.send_bytes(PICTURES[label])
        time.sleep(0.3)
        slow.may.set()
        first, last = socket.receive_json(), socket.receive_json()
    assert [(x["frame"], x["dropped"]) for x in (first, last)] == [(1, 0), (5, 3)]
    assert first["predicted_label"] != last["predicted_label"]
    counted = client.get("/metrics").text
    assert 'fingerspell_stream_frames_total{fate="dropped"} 3.0' in counted
    assert 'fingerspell_stream_frames_total{fate="answered"} 2.0' in counted


def test_more_sockets_than_there_is_room_for_are_told_to_come_back():
    client = TestClient(create_app(MockRecogniser(), Limits(streams=1)))
    for _ in range(2):
        with client.websocket_connect("/v1/stream") as first:
            assert first.receive_json()["type"] == "ready"
            with client.websocket_connect("/v1/stream") as second:
                assert "streams that are open" in second.receive_json()["found"]
                with pytest.raises(WebSocketDisconnect) as closed:
                    second.receive_json()
        assert closed.value.code == 1013


def test_a_socket_that_says_nothing_is_closed():
    client = TestClient(create_app(MockRecogniser(), Limits(stream_idle_s=0.1)))
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
    assert closed.value.code == 1001


def test_the_protocols_reference_is_fresh():
    fresh = protocol.TARGET.read_text(encoding="utf-8") == protocol.page()
    assert fresh, "run: python -m fingerspell.serve.protocol"


def test_a_change_of_the_text_waits_for_the_frame_that_is_being_read():
    slow = Slow()
    client = TestClient(create_app(slow, Limits(parallel=2)))
    with client.websocket_connect("/v1/stream") as socket:
        socket.receive_json()
        socket.send_bytes(PICTURES["A"])
        assert slow.begun.wait(10)
        socket.send_text('{"type": "clear"}')
        time.sleep(0.3)
        slow.may.set()
        assert [socket.receive_json()["type"] for _ in range(2)] == ["answer", "text"]
