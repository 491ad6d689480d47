"""`fingerspell serve`, `python backend/app.py`, and the smoke test of every class's sample."""

import argparse
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import urllib.request
from ipaddress import ip_address
from pathlib import Path

import pytest

import fingerspell
from fingerspell.cli import serve
from fingerspell.cli.options import chosen_words, predictor_and_rules
from fingerspell.errors import ConfigError
from fingerspell.images import encode_jpeg
from fingerspell.labels import ALPHABET
from fingerspell.live import rules_at
from fingerspell.runtime import MockRecogniser, vocabulary
from fingerspell.serve import certificate, running, smoke
from fingerspell.serve.app import create_app
from fingerspell.serve.running import open_socket
from fingerspell.serve.smoke import folder_samples
from helpers.command import command
from helpers.endings import NO_PICTURES, touch_all
from helpers.endings import picture as one_picture
from helpers.local_client import TestClient
from helpers.tiny_bundle import COLOURS, LABELS, lone_models, picture, tiny_bundle

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


def test_the_model_comes_from_the_option_before_the_environment(tmp_path, monkeypatch, capsys):
    """A frozen graph and its labels, as the published guide copies them beside `backend`."""
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    monkeypatch.chdir(lone_models(tmp_path))
    graph, sent = Path("trained_model_graph.pb"), encode_jpeg(picture("B"))
    assert asked("--model", "a.pb").bundle == Path("a.pb") == asked("--bundle", "a.pb").bundle
    assert serve._model(None, {}) is None is serve._model(None, {"MODEL": " "})
    assert serve._model(graph, {"MODEL": "other"}) == graph
    monkeypatch.setenv("MODEL", str(graph))
    client = TestClient(serve.load_app())
    assert client.get("/health").json()["model"] == f"recogniser {graph}"
    assert client.get("/v1/model").json()["files"].keys() == {str(graph)}
    assert client.post("/predict-image", content=sent).json()["predicted_label"] == "B"
    monkeypatch.setenv("MODEL", "none.pb")
    with pytest.raises(SystemExit, match="2"):
        serve.load_app()
    assert "none.pb, which cannot be read" in capsys.readouterr().err
    monkeypatch.setattr(running, "serve", lambda *args, **more: None)
    assert command("serve", "--port", "0") == 2
    assert "none.pb, which cannot be read" in capsys.readouterr().err


def test_the_live_rules_come_from_options_the_environment_and_the_bundle(monkeypatch, capsys):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    assert predictor_and_rules(asked())[1] == rules_at(ALPHABET, 0.7)
    given = {"THRESHOLD": "0.95", "RULES": "hold", "VOTES": "3", "HOLD_S": " "}
    for name, value in given.items():
        monkeypatch.setenv(f"FINGERSPELL_{name}", value)
    predictor, rules = predictor_and_rules(asked("--votes", "1", "--hold_s", "0"))
    expected = rules_at(ALPHABET, 0.95, rules="hold", votes=1, hold_s=0.0)
    assert predictor.threshold == 0.95 and rules == expected
    client = TestClient(serve.load_app())
    assert client.get("/health").json()["threshold"] == 0.95
    answer = client.post("/predict-image", content=encode_jpeg(picture("A"))).json()
    assert (answer["accepted"], answer["threshold"]) == (False, 0.95)
    monkeypatch.setenv("FINGERSPELL_THRESHOLD", "0.5")
    monkeypatch.setenv("FINGERSPELL_HOLD_S", "0")
    stream, sent = TestClient(serve.load_app()), encode_jpeg(picture("A"))
    answers = [stream.post("/predict-image?session_id=s", content=sent).json() for _ in range(2)]
    assert [x["counted"] is not None for x in answers] == [False, True], "no hold is needed"
    wrong = {"THRESHOLD": "nan", "VOTES": "1.5", "HOLD_S": "3", "RULES": "most", "WORDS": "yes"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"FINGERSPELL_{name}", value)
        with pytest.raises(SystemExit, match="2"):
            serve.load_app()
        assert f"error: FINGERSPELL_{name}={value}\n  expected: " in capsys.readouterr().err
        monkeypatch.delenv(f"FINGERSPELL_{name}")


def test_words_are_off_unless_the_option_or_the_environment_switches_them_on(monkeypatch):
    monkeypatch.setattr(vocabulary, "english", lambda: [("ab", 1.0)])
    for argv, value, on in [
        ((), "", False),
        ((), "0", False),
        ((), "1", True),
        (("--words",), "0", True),
    ]:
        words = chosen_words(asked(*argv), ("A", "B"), {"FINGERSPELL_WORDS": value})
        assert (words is not None) == on


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
    assert answer.status_code == 400 and "without --workers" in answer.json()["fix"]
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
        ("0", ["--port", "TAKEN", "--bundle", "none"], "cannot be opened"),  # before the model
        ("1", ["--host", "203.0.113.1"], "0.0.0.0"),
        ("1", ["--host", "no such"], "an address or a name of this machine"),
        *(("1", ["--max_picture_mb", x], f"--max_picture_mb {x}") for x in ("0", "nan", "inf")),
        ("1", ["--client_rate", "nan"], "client_rate=nan"),
        *(("1", ["--cors", x], f"--cors {x}") for x in ("nonsense", "https://a.b/", "http://*.b")),
        ("1", ["--keys", "none.txt"], "cannot be read"),
        ("1", ["--keys", "empty.txt"], "no key in empty.txt"),
        ("1", ["--keys", "short.txt"], "key number 2, of 5 characters"),
        ("1", ["--https", "empty.txt"], "--https with 1 file(s)"),
        ("1", ["--https", "empty.txt", "short.txt"], "cannot be used"),
    ],
)
def test_a_server_that_cannot_start_ends_with_2(tmp_path, capsys, monkeypatch, mock, options, said):
    monkeypatch.setenv("USE_MOCK_MODEL", mock)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("# none\n", encoding="utf-8")
    (tmp_path / "short.txt").write_text(f"{'long' * 5}\nshort\n", encoding="utf-8")
    with open_socket("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        assert command("serve", *(port if x == "TAKEN" else x for x in options)) == 2
    assert said in capsys.readouterr().err


def test_beyond_this_machine_a_client_has_its_share_and_options_change_it():
    shares = [
        (serve._limits(asked(*argv), local).client_rate, local)
        for argv, local in (((), True), ((), False), (("--client_rate", "7"), True),
                            (("--client_rate", "0"), False))
    ]  # fmt: skip
    assert shares == [(0.0, True), (100.0, False), (7.0, True), (0.0, False)]
    assert [running.is_loopback(x) for x in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_keys_come_from_a_file_or_the_environment(tmp_path, monkeypatch):
    one, two = "k" * 16, "A-z.0_~-" * 3
    file = tmp_path / "keys.txt"
    file.write_text(f"# mine\n{one}\n\n", encoding="utf-8")
    assert serve._keys(file, {"FINGERSPELL_KEYS": two}) == (one,)
    assert serve._keys(None, {"FINGERSPELL_KEYS": f"{one}, {two}"}) == (one, two)
    assert serve._keys(None, {}) == ()
    for name, value in {"USE_MOCK_MODEL": "1", "FINGERSPELL_KEYS": one,
                        "FINGERSPELL_HOSTS": "my.example"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client = TestClient(serve.load_app())
    known = {"Authorization": f"Bearer {one}"}
    assert client.get("/health").status_code == 401
    assert client.get("/health", headers={**known, "Host": "my.example"}).status_code == 200
    assert client.get("/health", headers={**known, "Host": "evil.example"}).status_code == 421


def test_https_is_served_with_a_certificate_made_here_or_given(tmp_path, monkeypatch):
    made = certificate._signed(["localhost", "127.0.0.1", "::1"])
    files = [tmp_path / "certificate.pem", tmp_path / "key.pem"]
    for file, data in zip(files, made, strict=True):
        file.write_bytes(data)
    trusts = ssl.create_default_context(cafile=str(files[0]))
    tls = serve._tls(files, "127.0.0.1")
    with running.running(create_app(MockRecogniser()), tls=tls) as url:
        assert url.startswith("https://127.0.0.1:")
        for host in ("127.0.0.1", "localhost"):
            with urllib.request.urlopen(url.replace("127.0.0.1", host) + "/health",
                                        context=trusts) as answer:  # fmt: skip
                assert json.loads(answer.read())["status"] == "ok"
    assert isinstance(serve._tls([], "0.0.0.0"), ssl.SSLContext)
    assert serve._tls(None, "0.0.0.0") is None
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigError, match="install"):
        serve._tls([], "0.0.0.0")


def test_the_door_serves_until_it_is_stopped(tmp_path: Path):
    environment = {**QUIET, "USE_MOCK_MODEL": "1", "PORT": "0"}
    server = subprocess.Popen(
        [sys.executable, str(BACKEND / "app.py"), "--log", "json"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split()[-1]
        until_s = time.monotonic() + 20
        while True:
            try:
                assert smoke._send(f"{url}/health")[1]["mock"] is True
                break
            except OSError:
                assert time.monotonic() < until_s and server.poll() is None
                time.sleep(0.05)
    finally:
        server.terminate()
        _, log = server.communicate(timeout=20)
    told = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [x["status"] for x in told if x.get("route") == "/health"] == [200]
    assert {"Application startup complete.", "Shutting down"} <= {x["message"] for x in told}


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


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def put(path: Path, label: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(picture(label)))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for split in ("train", "val", "test"):
        for label in LABELS:
            put(tmp_path / "dataset" / split / label / "1.jpg", label)
    return tmp_path / "dataset"


def smoked(capsys, code: int, *argv: object) -> str:
    """What `fingerspell smoke` prints, which leaves with `code`."""
    assert command("smoke", *argv) == code
    said = capsys.readouterr()
    return said.out + said.err


def test_every_class_is_answered_over_http(bundle: Path, dataset: Path, capsys):
    out = smoked(capsys, 0, "--bundle", bundle, "--dataset_dir", dataset)
    assert "6 of 6 classes answered over HTTP, 6 of them read right" in out
    assert out.splitlines()[1].split()[:2] == ["A", "A"]
    assert "smoke test passed" in out and "warning" not in out
    assert "passed over" not in out
    touch_all(dataset / "train" / "B", NO_PICTURES)
    (dataset / "train" / "C" / "person").mkdir()
    (dataset / "train" / "C" / "1.jpg").rename(dataset / "train" / "C" / "person" / "1.jpg")
    out = smoked(capsys, 0, "--bundle", bundle, "--samples", dataset / "train")
    assert "6 of 6" in out and f"note: passed over in {dataset / 'train'}: 6 file(s) that" in out


def test_a_class_that_the_test_split_lacks_is_taken_from_another(dataset: Path):
    shutil.rmtree(dataset / "test" / "A")
    (dataset / "test" / "B" / "1.jpg").unlink()
    names = {sample.label: Path(sample.name).parts[-3] for sample in folder_samples(dataset)}
    assert (names["A"], names["B"], names["C"]) == ("val", "val", "test")


def test_a_wrong_answer_is_warned_of_but_is_no_failure(bundle: Path, dataset: Path, capsys):
    put(dataset / "test" / "A" / "1.jpg", "B")
    out = smoked(capsys, 0, "--bundle", bundle, "--dataset_dir", dataset)
    assert "5 of them read right" in out and "warning" in out
    label, answer, score, _, verdict = out.splitlines()[1].split()
    assert (label, answer, score, verdict) == ("A", "B", "100.0%", "wrong")


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda data: (data / "test/A/1.jpg").write_bytes(b"no"), 1, "FAILED     HTTP 415"),
        (lambda data: (data / "test/extra").mkdir(), 1, "no picture in"),
        (lambda data: [shutil.rmtree(x) for x in data.glob("*/C")], 0, "warning: no samples of C"),
    ],
)
def test_a_sample_that_cannot_be_read_or_is_missing_is_told(
    bundle, dataset, capsys, spoil, code, said
):
    spoil(dataset)
    out = smoked(capsys, code, "--bundle", bundle, "--dataset_dir", dataset)
    assert said in out and ("smoke test FAILED" in out) is (code == 1)


def test_the_stand_in_needs_no_pictures_but_takes_what_is_there(
    tmp_path, request, capsys, monkeypatch
):
    monkeypatch.setenv("USE_MOCK_MODEL", "1")
    monkeypatch.chdir(tmp_path)
    assert "29 of 29 classes answered over HTTP, 29 of them read right" in smoked(capsys, 0)
    request.getfixturevalue("dataset")
    assert "6 of 6 classes answered" in smoked(capsys, 0)


def test_without_a_model_or_pictures_it_says_what_to_do(bundle, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("USE_MOCK_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert "USE_MOCK_MODEL=1" in smoked(capsys, 2)
    nowhere = smoked(capsys, 2, "--bundle", bundle, "--dataset_dir", tmp_path / "none")
    assert "prepare --input_dir" in nowhere


def test_a_server_that_breaks_fails_the_smoke_test():
    class Broken(MockRecogniser):
        def watch(self, rgb, labels=None):
            raise RuntimeError("broken")

    (row,) = smoke.try_all(Broken(), [smoke._Sample("A", "a", encode_jpeg(picture("A")))])
    assert row.fault.startswith("HTTP 500")


TOP = {"label": "A", "score": 0.9}
GOOD = {
    "predictions": [TOP, {"label": "B", "score": 0.1}],
    "top_prediction": TOP,
    "predicted_label": "A",
    "accepted": True,
    "threshold": 0.7,
}


@pytest.mark.parametrize(
    "change",
    [
        {"predicted_label": "B"},
        {"predictions": []},
        {"predictions": [{"label": "?", "score": 0.9}]},
        {"accepted": False},
        {"top_prediction": None},
        {"threshold": "high"},
    ],
)
def test_an_answer_that_contradicts_itself_is_a_fault(change: dict[str, object]):
    assert smoke._fault(200, GOOD, "AB") == ""
    assert smoke._fault(200, {**GOOD, **change}, "AB") != ""


@pytest.mark.parametrize("name", ["1.avif", "1.heic", "1.jfif"])
def test_a_sample_of_any_picture_format_is_answered(bundle: Path, dataset: Path, capsys, name: str):
    sample = dataset / "test" / "A" / "1.jpg"
    sample.with_name(name).write_bytes(one_picture(Path(name).suffix, COLOURS["A"]))
    sample.rename(sample.with_name("._1.jpg"))
    (dataset / "test" / ".cache").mkdir()
    out = smoked(capsys, 0, "--bundle", bundle, "--dataset_dir", dataset)
    assert "6 of 6 classes answered over HTTP, 6 of them read right" in out
    assert Path(folder_samples(dataset)[0].name).name == name
