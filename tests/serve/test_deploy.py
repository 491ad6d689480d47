"""What docs/deploy.md promises: the container's file, and replicas on Ray Serve."""

import json
import re
import shlex
import sys
import tomllib
from fnmatch import fnmatch

import httpx2 as httpx
import pytest

from fingerspell import backends
from fingerspell.cli import serve
from fingerspell.cli.main import build_parser
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.install import pip
from fingerspell.serve.gate import OPEN
from fingerspell.serve.operations.ray_serve import checked_replicas, replicas
from fingerspell.serve.running import open_socket
from helpers.needed import need
from helpers.tiny_bundle import picture, tiny_bundle
from house import ROOT

RED = encode_jpeg(picture("A"))


def steps() -> list[tuple[str, str]]:
    """Returns the instructions of the Dockerfile and what follows each."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_the_container_gets_every_file_that_it_needs_and_no_other():
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert kept[0] == "*"
    asked = [x for name, rest in steps() if name == "COPY" for x in rest.split()[:-1]]
    assert sorted(f"!{x}" for x in asked) == sorted(x for x in kept if x.startswith("!"))
    assert all((ROOT / x).exists() for x in asked)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = (ROOT / "backend" / "requirements.txt").read_text(encoding="utf-8")
    names = {re.split(r"[<>=]", x)[0] for x in project["dependencies"]}
    assert names <= set(re.findall(r"^([\w-]+)==", pinned, re.M)), "installed with --no-deps"
    assert "-r backend/requirements.txt" in dict(steps()[::-1])["RUN"]
    assert {project["readme"], "LICENSE"} <= set(asked)
    python = dict(steps())["FROM"].removeprefix("python:").removesuffix("-slim")
    assert fnmatch(python, "3.1[123]")


def test_the_container_starts_this_server_as_nobody_special_and_probes_it(monkeypatch):
    told = dict(steps())
    command = json.loads(told["ENTRYPOINT"])
    args = build_parser().parse_args([*command[1:], "--model", "/bundle", "--reload_s", "5"])
    environment = dict(x.split("=") for x in shlex.split(told["ENV"]))
    host, port = serve._where(args, environment)
    assert (host, str(port)) == ("0.0.0.0", told["EXPOSE"])
    assert serve._log_kind(args.log, environment) == "json"
    program = json.loads(told["HEALTHCHECK"].partition("CMD ")[2])
    assert f"http://127.0.0.1:{port}{OPEN[0]}'" in program[2]
    compile(program[2], "probe", "exec")
    assert told["USER"] != "root" and f"useradd --uid 10001 --no-create-home {told['USER']}" in (
        ROOT / "Dockerfile"
    ).read_text(encoding="utf-8")


def test_replicas_need_ray_serve_and_no_https_of_ours(monkeypatch):
    with pytest.raises(ConfigError, match="--ray 0"):
        checked_replicas(0)
    monkeypatch.setitem(sys.modules, "ray.serve", None)
    with pytest.raises(ConfigError, match=r"ray\[serve\]"):
        checked_replicas(2)
    args = build_parser().parse_args(["serve", "--ray", "2", "--https"])
    with pytest.raises(ConfigError, match="--ray with --https"):
        serve.run(args)


@pytest.mark.filterwarnings("default")
def test_two_replicas_answer_pictures_and_batches_and_refuse_a_session(tmp_path, monkeypatch):
    need(
        "" if backends.is_installed("aiohttp") else f"no Ray Serve: {pip('install', 'ray[serve]')}"
    )
    folder = tiny_bundle(tmp_path / "bundle")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"), prepend=":")
    with open_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
    args = build_parser().parse_args(["serve", "--model", str(folder)])

    def build():
        return serve._app(args, sessions_allowed=False)[0]

    with replicas(build, 2, "127.0.0.1", port):
        url = f"http://127.0.0.1:{port}"
        counts = []
        for _ in range(20):
            answer = httpx.post(f"{url}/v1/predict", files=[("image", RED)] * 2)
            assert [x["predicted_label"] for x in answer.json()["answers"]] == ["A", "A"]
            counted = re.search(r'route="/v1/predict",status="200"} (\d+)',
                                httpx.get(f"{url}/metrics").text)  # fmt: skip
            counts.append(int(counted[1]) if counted else 0)
        assert counts != sorted(counts), "two processes count for themselves"
        refused = httpx.post(f"{url}/predict-image", content=RED, params={"session_id": "me"})
        assert refused.status_code == 400 and "--ray" in refused.json()["fix"]
