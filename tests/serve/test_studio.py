"""The studio: its files to browsers, its policy, and the folder for a static host."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from fingerspell.cli.main import main
from fingerspell.errors import ConfigError
from fingerspell.live import rules_at
from fingerspell.runtime import MockRecogniser, Recogniser
from fingerspell.serve.app import create_app
from fingerspell.serve.studio import POLICY, Site, write_site
from fingerspell.serve.studio.qr import qr_code
from fingerspell.serve.studio.site import CONTRACT, HEAD, MODEL, PAGE, STATIC
from helpers.local_client import TestClient
from helpers.tiny_bundle import LABELS, tiny_bundle

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
RUNTIME = b"\0asm" + bytes(1000)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A page in place of the built one."""
    folder = tmp_path_factory.mktemp("static")
    (folder / PAGE).write_text("<!doctype html><head><title>Studio</title></head>")
    (folder / "litert.wasm.gz").write_bytes(gzip.compress(RUNTIME))
    (folder / "hands").mkdir()
    (folder / "hands" / "A.webp").write_bytes(b"RIFF")
    return folder


@pytest.fixture(scope="module")
def page(recogniser, built) -> TestClient:
    return TestClient(create_app(recogniser, static=built), raise_server_exceptions=False)


def site_of(built: Path, predictor, **more) -> Site:
    return Site(predictor, rules_at(predictor.labels, 0.7), static=built, **more)


def test_a_browser_gets_the_page_and_a_program_what_it_got_before(page):
    answer = page.get("/", headers=BROWSER)
    assert answer.status_code == 200 and "<title>Studio" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for accept in ("*/*", "application/json"):
        answer = page.get("/", headers={"Accept": accept})
        assert answer.status_code == 404 and answer.json()["fix"]
    assert page.post("/", headers=BROWSER).status_code == 405
    assert page.get("/nothing.js").status_code == 404


def test_the_page_follows_another_recogniser_that_is_served(tmp_path, built):
    folder = tiny_bundle(tmp_path / "bundle")
    app, told = create_app(first := Recogniser.load(folder), static=built), []
    other = replace(first.contract, threshold=0.25)
    (folder / "recogniser.json").write_text(other.to_json(), encoding="utf-8")
    page = TestClient(app)
    for known in (first, Recogniser.load(folder)):
        app.state.service.recogniser = known
        told.append(page.get(f"/{CONTRACT}"))
    assert [x.json()["threshold"] for x in told] == [first.threshold, 0.25]
    assert told[0].headers["etag"] != told[1].headers["etag"]


@pytest.mark.parametrize("address", ["https://192.168.178.23:5000/", "https://[fe80::1]:44300/"])
def test_a_phone_reads_the_address_from_the_terminal(address):
    lines = [line.removesuffix("\x1b[0m").removeprefix("\x1b[30;107m")
             for line in qr_code(address).splitlines()]  # fmt: skip
    halves = np.array([["█▀▄ ".index(x) for x in line] for line in lines])
    modules = np.stack([halves // 2, halves % 2], axis=1).reshape(-1, halves.shape[1])
    picture = np.kron(modules, np.ones((8, 8))).astype(np.uint8) * 255
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == address


def test_every_file_says_the_policy_and_none_may_be_taken_for_another_kind(page, built, recogniser):
    assert "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" in POLICY
    assert "http" not in POLICY and "unsafe-inline" not in POLICY and "*" not in POLICY
    names = site_of(built, recogniser).files
    assert names.keys() == {PAGE, "litert.wasm", "hands/A.webp", CONTRACT, MODEL}
    for name in names:
        answer = page.get("/" if name == PAGE else f"/{name}", headers=BROWSER)
        assert answer.status_code == 200, name
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, br", True), ("br", False), ("identity", False), ("gzip;q=0, br", False),
     ("br, gzip;q=0.5", True)],
)  # fmt: skip
def test_the_runtime_is_sent_packed_to_those_who_take_it(page, accepted, packed):
    answer = page.get("/litert.wasm", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") == packed
    assert answer.content == RUNTIME  # The client unpacks.
    assert answer.headers["content-type"] == "application/wasm"
    assert "Accept-Encoding" in answer.headers["vary"]


def test_a_file_that_is_kept_is_not_sent_again(page):
    etag = page.get("/" + MODEL).headers["etag"]
    again = page.get("/" + MODEL, headers={"If-None-Match": f'"x", {etag}'})
    assert again.status_code == 304 and again.content == b""
    assert page.get("/" + MODEL, headers={"If-None-Match": 'W/"old"'}).status_code == 200
    head = page.head("/" + MODEL)
    assert head.status_code == 200 and head.content == b"" and head.headers["etag"] == etag


def test_the_contract_says_what_the_page_needs(page, recogniser):
    told = page.get("/" + CONTRACT).json()
    assert told["labels"] == list(LABELS) and told["size_px"] == list(recogniser.size_px)
    assert told["on_device"] and told["on_server"] and not told["mock"]
    assert told["outputs"] == ["probabilities"]  # The tiny network has no dense layer.
    assert told["rules"]["evidence"]["need_s"] > 0 and told["rules"]["labels"] == list(LABELS)


def test_the_released_recogniser_says_where_the_hand_is_and_lets_a_page_learn(built):
    released = Recogniser.load()
    site = site_of(built, released)
    assert site.contract["outputs"] == ["probabilities", "x", "y", "side", "features"]
    interpreter = Interpreter(model_content=site.files[MODEL].content)
    interpreter.allocate_tensors()
    picture = np.random.default_rng(1).random((1, *released.size_px, 3)).astype(np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    found = [interpreter.get_tensor(x["index"]) for x in interpreter.get_output_details()]
    answer, *square, features = found
    np.testing.assert_array_equal(answer, released.probabilities(picture))
    assert [x.item() for x in square] == list(released._network.watch(picture)[1])
    assert len(site.files[HEAD].content) == 4 * (features.shape[1] + 1) * len(released.labels)


def test_without_a_model_file_the_server_computes(built):
    told = TestClient(create_app(MockRecogniser(), static=built)).get("/" + CONTRACT).json()
    assert told["mock"] and not told["on_device"] and told["outputs"] == []
    assert (
        TestClient(create_app(MockRecogniser(), static=built)).get("/" + MODEL).status_code == 404
    )


def test_without_a_built_page_nothing_is_served(recogniser, tmp_path):
    client = TestClient(create_app(recogniser, static=tmp_path))
    assert client.get("/", headers=BROWSER).status_code == 404
    assert client.get("/" + CONTRACT).status_code == 404


def test_a_static_host_gets_a_folder_that_needs_no_server(built, recogniser, tmp_path):
    folder = tmp_path / "site"
    for _ in range(2):  # Over an older one, too.
        names = write_site(site_of(built, recogniser, on_server=False), folder)
    assert {x.relative_to(folder).as_posix() for x in folder.rglob("*") if x.is_file()} == {*names}
    assert (folder / "litert.wasm").read_bytes() == RUNTIME
    assert not json.loads((folder / CONTRACT).read_text())["on_server"]
    text = (folder / PAGE).read_text()
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'' in text
    assert "frame-ancestors" not in text


def test_a_folder_with_something_else_is_left_alone(built, recogniser, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="something else than a studio"):
        write_site(site_of(built, recogniser), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    with pytest.raises(ConfigError, match="without the built page"):
        write_site(site_of(tmp_path / "none", recogniser), tmp_path / "new")


def test_the_command_refuses_what_no_page_can_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert main(["studio", "--static", str(tmp_path / "x")]) == 2
    assert "no page can run" in capsys.readouterr().err


def test_half_precision_is_what_a_page_gets(tmp_path):
    folder = tiny_bundle(tmp_path)
    named = {Recogniser.load(folder, precision=x).precision: x for x in ("float32", "int8")}
    files = {x: Recogniser.load(folder, precision=x).light_model() for x in named.values()}
    assert files["float32"] == (folder / "model_fp16.tflite").read_bytes()
    assert files["int8"] == (folder / "model_int8.tflite").read_bytes()


def test_what_is_shipped_has_its_licence_beside_it():
    licence = (STATIC / "litert.LICENSE.txt").read_text(encoding="utf-8")
    assert "@litertjs/core" in licence and "Apache License" in licence
    assert gzip.decompress((STATIC / "litert.wasm.gz").read_bytes())[:4] == b"\0asm"
