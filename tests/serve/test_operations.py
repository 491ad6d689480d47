"""The log, and a new recogniser that is swapped in under load."""

import json
import logging
import os
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import anyio
import httpx2 as httpx
import pytest

from fingerspell.cli import serve
from fingerspell.cli.main import main
from fingerspell.images import encode_jpeg
from fingerspell.live import rules_at
from fingerspell.runtime import MockRecogniser, Recogniser
from fingerspell.runtime.contract import FILE_NAME, read_contract
from fingerspell.serve import picture_routes
from fingerspell.serve.app import create_app
from fingerspell.serve.limits import Limits
from fingerspell.serve.metrics import Metrics
from fingerspell.serve.operations import log, reload
from fingerspell.serve.operations.reload import Reload, signature
from fingerspell.serve.running import running
from fingerspell.serve.service import Service
from fingerspell.serve.sessions import Sessions
from fingerspell.serve.traffic import Traffic
from helpers.local_client import TestClient
from helpers.tiny_bundle import picture, tiny_bundle
from serve.test_commands import asked

RED = encode_jpeg(picture("A"))


@pytest.fixture
def lines(monkeypatch):
    """The lines of JSON that the server writes of requests."""
    got: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            got.append(log.JsonLines().format(record))

    kept = Kept()
    monkeypatch.setattr(log._requests, "handlers", [kept])
    monkeypatch.setattr(log._requests, "propagate", False)
    log._requests.setLevel(logging.INFO)
    yield got
    log._requests.setLevel(logging.NOTSET)


def test_a_line_tells_of_a_request_and_holds_neither_picture_nor_name(recogniser, lines):
    client = TestClient(create_app(recogniser))
    answer = client.post("/predict-image?session_id=secret", content=RED,
                         headers={"X-Request-ID": "from-a-proxy"})  # fmt: skip
    assert answer.headers["X-Request-ID"] == "from-a-proxy"
    client.get("/v1/sessions/secret", headers={"X-Request-ID": "a b\\n"})
    with client.websocket_connect("/v1/stream?labels=A-B") as socket:
        socket.receive_json()
        socket.send_bytes(RED)
        socket.receive_json()
    told = [json.loads(line) for line in lines]
    assert [(x["method"], x["route"], x["status"], x["bytes"]) for x in told] == [
        ("POST", "/predict-image", 200, len(RED)),
        ("GET", "/v1/sessions/{session_id}", 200, 0),
        ("WS", "/v1/stream", 101, len(RED)),
    ]
    assert told[0]["id"] == "from-a-proxy" and len(told[1]["id"]) == 16
    names = {"time", "level", "message", "id", "client", "method", "route", "status", "ms", "bytes"}
    assert all(set(x) == names and x["ms"] >= 0 for x in told)
    assert "secret" not in "".join(lines)


def test_a_fault_of_several_lines_is_one_line_of_json():
    try:
        raise ValueError("a fault\nof two lines")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "it broke", (), sys.exc_info())
    told = json.loads(log.JsonLines().format(record).splitlines()[0])
    assert told["level"] == "error" and "of two lines" in told["trace"]


def test_a_file_of_settings_is_typed_and_options_go_before_it(tmp_path):
    file = tmp_path / "serve.toml"
    file.write_text('port = 8080\nlog = "json"\ncors = ["https://a.example", "https://b.example"]\n'
                    "words = true\nmax_picture_mb = 20\nhttps = false\n")  # fmt: skip
    for argv in (["--port", "1", "--max_picture_mb", "10"], []):
        for order in ([*argv, "--config", str(file)], ["--config", str(file), *argv]):
            args = asked(*order)
            assert (args.port, args.max_picture_mb) == ((1, 10.0) if argv else (8080, 20.0))
            assert (args.log, args.words, args.https) == ("json", True, None)
            assert args.cors == ["https://a.example", "https://b.example"]
    file.write_bytes(b"\xef\xbb\xbfport = 1")  # as Windows's Notepad saves it
    assert asked("--config", str(file)).port == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [('port = "http"', "--port: invalid int value: 'http'"), ("colour = 1", "--colour 1, which"),
     ("port = ", "Invalid value"), ('log = "xml"', "invalid choice: 'xml'"),
     ("port = [1, 2]", " 2, which is no option"), ("help = true", "help, which has no"),
     ("max_picture_mb = 900", "--max_picture_mb 900"), ("cors = 'nonsense'", "--cors nonsense"),
     ("config = 'serve.toml'", "config, which has no"), ("[serve]", "--serve"),
     (None, "No such file")],
)  # fmt: skip
def test_a_wrong_file_of_settings_is_named_with_what_is_wrong_in_it(tmp_path, text, found, capsys):
    file = tmp_path / "serve.toml"
    if text is not None:
        file.write_text(text)
    assert main(["serve", "--config", str(file)]) == 2
    told = capsys.readouterr().err
    assert f"--config {file}" in told and found in told and "to fix" in told


def test_the_logs_kind_is_taken_from_the_environment():
    assert serve._log_kind(None, {"FINGERSPELL_LOG": "json"}) == "json"


def put(folder, threshold: float, labels=None) -> None:
    """Writes another contract into a bundle, as a copied bundle would bring it."""
    contract = read_contract(folder)
    new = replace(contract, threshold=threshold, labels=labels or contract.labels)
    (folder / FILE_NAME).write_text(new.to_json(), encoding="utf-8")


def test_a_new_recogniser_is_swapped_in_under_load_and_a_bad_one_refused(tmp_path, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(reload._log, "warning", lambda text, *of: said.append(text % of))
    folder = tiny_bundle(tmp_path / "bundle")
    put(folder, 0.5)

    def load():
        known = Recogniser.load(folder)
        return known, rules_at(known.labels, known.threshold)

    how = Reload(path=folder, loaded=signature(folder), load=load, every_s=0.02)
    stop, seen = threading.Event(), []
    with running(create_app(load()[0], reload=how)) as url, ThreadPoolExecutor(4) as clients:

        def ask(path: str, sent: dict) -> None:
            with httpx.Client() as client:
                while not stop.is_set():
                    answer = client.post(f"{url}{path}", **sent)
                    seen.append((answer.status_code, answer.json().get("threshold")))

        def served() -> float:
            return httpx.get(f"{url}/v1/model").json()["threshold"]

        def outcome(name: str) -> int:
            text = httpx.get(f"{url}/metrics").text
            mark = f'fingerspell_model_swaps_total{{outcome="{name}"}} '
            return int(float(text.partition(mark)[2].split("\n")[0] or 0))

        def until(true) -> None:
            for _ in range(400):
                if true():
                    return
                threading.Event().wait(0.02)
            raise AssertionError("it did not come to pass")

        form = {"files": [("image", RED)] * 3}
        done = [clients.submit(ask, "/predict-image", {"content": RED}) for _ in range(2)]
        done += [clients.submit(ask, "/v1/predict", form) for _ in range(2)]
        try:
            until(lambda: seen)
            for number, threshold in enumerate((0.6, 0.7, 0.8), 1):
                put(folder, threshold)
                until(lambda number=number: outcome("swapped") == number)
                assert served() == threshold
            model = (folder / "model.tflite").read_bytes()
            (folder / "model.tflite").write_bytes(model[:-100])
            until(lambda: outcome("refused") == 1)
            (folder / "model.tflite").write_bytes(model)
            until(lambda: outcome("swapped") == 4)
            put(folder, 0.9, labels=("Z", *read_contract(folder).labels[1:]))
            until(lambda: outcome("refused") == 2)
            shutil.rmtree(folder)
            until(lambda: outcome("refused") == 3)
            assert served() == 0.8
        finally:
            stop.set()
        for one in done:
            one.result()
    assert {status for status, _ in seen} == {200} and len(seen) > 20
    assert {threshold for _, threshold in seen} == {0.5, 0.6, 0.7, 0.8}
    assert "SHA-256" in said[0] and "to serve other labels" in said[1] and len(said) == 3


def test_an_answer_is_that_of_one_recogniser_whatever_is_swapped_meanwhile(recogniser):
    class Swapping:
        def __getattr__(self, name: str):
            return getattr(recogniser, name)

        def watch(self, *given):
            service.recogniser = MockRecogniser(threshold=0.123)
            return recogniser.watch(*given)

    limits, rules = Limits(parallel=1), rules_at(recogniser.labels, 0.7)
    service = Service(Swapping(), limits, rules, None, Sessions(rules, limits, lambda: 0.0), True,
                      Traffic(limits), Metrics())  # fmt: skip
    seen = service.read(RED, None, 10**6, watched=False)
    told = service.told(seen, None, None)
    assert (told.mock, told.threshold) == (False, 0.7) and service.recogniser.mock
    service.recogniser = Swapping()
    batch = anyio.run(picture_routes._read_all, service, [RED] * 3, None)
    assert (batch.mock, batch.threshold) == (False, 0.7)
    assert [x.predicted_label for x in batch.answers] == ["A"] * 3


def test_the_files_of_a_lone_model_are_looked_at_and_the_interval_is_checked(tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"1")
    (tmp_path / "other.txt").write_bytes(b"1")
    first = signature(model)
    assert [name for name, _, _ in first] == ["model.tflite"]
    os.utime(model, ns=(1, 1))
    assert signature(model) != first and signature(tmp_path / "none") == ()
    assert serve._reload(asked()) is None
    with pytest.raises(ValueError, match="--reload_s nan"):
        serve._reload(asked("--reload_s", "nan"))
    how = serve._reload(asked("--reload_s", "5", "--model", str(model)))
    assert how is not None and how.path == model and how.every_s == 5
