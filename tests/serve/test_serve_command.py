"""`fingerspell serve` and `python backend/app.py`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

import fingerspell
from fingerspell.cli import serve
from fingerspell.errors import ConfigError
from fingerspell.serve.running import open_socket
from helpers.command import command

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
