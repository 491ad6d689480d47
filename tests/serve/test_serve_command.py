"""`fingerspell serve` and `python backend/app.py`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from ipaddress import ip_address
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import fingerspell
from fingerspell.cli import serve
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.serve import running
from fingerspell.serve.running import open_socket
from helpers.command import command
from helpers.tiny_bundle import picture

BACKEND = Path(fingerspell.__file__).parents[2] / "backend"
QUIET = {name: value for name, value in os.environ.items() if name not in ("HOST", "PORT")}


def asked(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(argv)


def test_an_option_beats_the_environment_which_beats_the_default():
    said = {"HOST": "0.0.0.0", "PORT": "8080"}
    assert serve._where(asked(), {}) == ("127.0.0.1", 5000)
    assert serve._where(asked(), said) == ("0.0.0.0", 8080)
    assert serve._where(asked("--host", "::1", "--port", "0"), said) == ("::1", 0)
    with pytest.raises(ConfigError, match="PORT=http"):
        serve._where(asked(), {"PORT": "http"})


@pytest.mark.parametrize(
    ("argv", "environment", "processes"),
    [
        (["uvicorn", "backend.app:app"], {}, 1),
        (["uvicorn", "backend.app:app", "--workers", "2"], {}, 2),
        (["uvicorn", "--workers=3", "backend.app:app"], {}, 3),
        (["gunicorn", "-w", "4", "backend.app:app"], {}, 4),
        (["uvicorn", "backend.app:app"], {"WEB_CONCURRENCY": "2"}, 2),
        (["uvicorn", "backend.app:app", "--workers", "1"], {"WEB_CONCURRENCY": "2"}, 1),
        (["uvicorn", "backend.app:app", "--workers"], {}, 1),
    ],
)
def test_the_processes_of_a_server_are_counted(argv, environment, processes):
    assert serve._server_processes(argv, environment) == processes


def test_one_of_several_processes_answers_pictures_and_refuses_sessions(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["uvicorn", "backend.app:app", "--workers", "2"])
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    client, sent = TestClient(serve.load_app()), {"image": ("a.jpg", encode_jpeg(picture("A")))}
    assert client.post("/predict-image", files=sent).status_code == 200
    answer = client.post("/predict-image", files=sent, data={"session_id": "s"})
    assert answer.status_code == 400 and "without --workers" in answer.json()["error"]["fix"]
    monkeypatch.setattr(sys, "argv", ["uvicorn", "backend.app:app"])
    alone = TestClient(serve.load_app())
    assert alone.post("/predict-image", files=sent, data={"session_id": "s"}).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_for_all_addresses_names_those_that_a_device_can_open(monkeypatch, host):
    monkeypatch.setattr(running, "network_address", lambda: "192.168.1.7")
    with open_socket(host, 0) as bound:
        port = bound.getsockname()[1]
        urls = [f"http://127.0.0.1:{port}", f"http://192.168.1.7:{port}"]
        assert running.addresses(bound) == urls
        monkeypatch.setattr(running, "network_address", lambda: "")
        assert running.addresses(bound) == urls[:1]
    with open_socket("127.0.0.1", 0) as bound:
        assert running.addresses(bound) == [running.address(bound)]


def test_the_address_in_the_network_is_one_of_this_machine():
    address = running.network_address()
    assert address == "" or ip_address(address).is_loopback is False


@pytest.mark.parametrize(
    ("mock", "options", "said"),
    [
        ("1", ["--port", "TAKEN"], "cannot be opened"),
        ("0", ["--bundle", "none"], "USE_MOCK_MODEL=1"),
        ("1", ["--max_picture_mb", "0"], "picture_bytes=0"),
    ],
)
def test_a_server_that_cannot_start_leaves_with_2(
    tmp_path, capsys, monkeypatch, mock, options, said
):
    monkeypatch.setenv("USE_MOCK_MODEL", mock)
    monkeypatch.chdir(tmp_path)
    with open_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        assert command("serve", *(port if x == "TAKEN" else x for x in options)) == 2
    assert said in capsys.readouterr().err


def test_the_door_serves_until_it_is_stopped(tmp_path: Path):
    environment = {**QUIET, "USE_MOCK_MODEL": "1", "PORT": "0"}
    server = subprocess.Popen(
        [sys.executable, str(BACKEND / "app.py")],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        until_s = time.monotonic() + 20
        while True:
            try:
                with opener.open(f"{url}/health", timeout=5) as response:
                    assert json.loads(response.read())["mock"] is True
                break
            except OSError:
                assert time.monotonic() < until_s and server.poll() is None
                time.sleep(0.05)
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_the_door_offers_an_app_for_other_servers(tmp_path: Path):
    program = "import app; print(app.app.title); print(hasattr(app, 'nothing'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**QUIET, "USE_MOCK_MODEL": "1", "PYTHONPATH": str(BACKEND)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["Fingerspell", "False"], done.stderr
