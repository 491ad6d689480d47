"""`python run.py`: one environment, made once, and the user's road back from every failure."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "constraints.txt": "six==1.17.0\n",
    "requirements.txt": "-c constraints.txt\nnumpy==2.4.6  # arrays\n",
    "requirements_training.txt": "# training\n-r requirements.txt\ntensorflow==2.21.0\n",
    "requirements_test.txt": "-c constraints.txt\npytest==9.2.0\n",
}


@pytest.fixture
def run(tmp_path, monkeypatch) -> ModuleType:
    """A fresh copy of run.py's module, standing in a checkout of its own."""
    spec = importlib.util.spec_from_file_location("run_under_test", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    backend = tmp_path / "a check out" / "backend"
    backend.mkdir(parents=True)
    for name, text in FILES.items():
        (backend / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", backend.parent)
    monkeypatch.setattr(module, "BACKEND", backend)
    # The default argument of these was bound when the module was loaded.
    for function in (module.requirement_lines, module.fingerprint):
        monkeypatch.setattr(function, "__defaults__", (backend,))
    return module


@pytest.fixture
def env(run) -> Path:
    return run.ROOT / ".venv"


@pytest.fixture
def pip(run, monkeypatch) -> SimpleNamespace:
    """Stands in for pip: notes what it is `asked` and what is `made`, and makes no connection."""
    noted = SimpleNamespace(asked=[], made=[], fails=None)

    def pip(env: Path, arguments: list[str]) -> None:
        noted.asked.append(arguments)
        if noted.fails:
            raise noted.fails

    def make_environment(env: Path) -> None:
        noted.made.append(env)
        run.python_of(env).parent.mkdir(parents=True, exist_ok=True)
        run.python_of(env).write_text("", encoding="utf-8")

    monkeypatch.setattr(run, "pip", pip)
    monkeypatch.setattr(run, "make_environment", make_environment)
    monkeypatch.setattr(run, "has_nvidia", lambda: False)
    return noted


@pytest.fixture
def started(run, pip, monkeypatch) -> list[tuple[list[str], Path | None]]:
    """The programs that are started, and the folder that each stands in; all of them end well."""
    calls: list[tuple[list[str], Path | None]] = []

    def call(command: list[str], folder: Path | None = run.ROOT) -> int:
        calls.append((command, folder))
        return 0

    monkeypatch.setattr(run, "call", call)
    monkeypatch.setattr(run, "verbs", lambda: ("demo", "train", "serve", "doctor"))
    return calls


def ready(run: ModuleType, *sets: str) -> list[bool]:
    env = run.ROOT / ".venv"
    return [run.is_ready(run.read_stamp(env), env, which) for which in sets]


@pytest.mark.parametrize(
    ("system", "machine", "nvidia", "wheel"),
    [
        ("Linux", "x86_64", False, "tensorflow-cpu"),
        ("Linux", "x86_64", True, "tensorflow[and-cuda]"),
        ("Linux", "aarch64", False, "tensorflow"),
        ("Linux", "aarch64", True, "tensorflow[and-cuda]"),
        ("Windows", "AMD64", True, "tensorflow"),
        ("Darwin", "arm64", False, "tensorflow"),
    ],
)
def test_each_machine_gets_the_one_tensorflow_that_suits_it(run, system, machine, nvidia, wheel):
    assert run.wheel_for(system, machine, nvidia) == wheel
    lines = run.requirement_lines("requirements_training.txt", wheel)
    assert [x for x in lines if x.startswith("tensorflow")] == [f"{wheel}==2.21.0"]


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (subprocess.CompletedProcess([], 0, stdout="GPU 0: H100"), True),
        (subprocess.CompletedProcess([], 9, stdout="GPU 0: H100"), False),
        (OSError("no driver"), False),
        (subprocess.TimeoutExpired("nvidia-smi", 20), False),
    ],
)
def test_a_gpu_program_counts_that_lists_a_gpu_and_does_not_fail(run, monkeypatch, outcome, counts):
    def answer(*_: object, **__: object) -> object:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(run.shutil, "which", lambda _: "nvidia-smi")
    monkeypatch.setattr(run.subprocess, "run", answer)
    assert run.has_nvidia() is counts


def test_requirements_are_installed_once_and_noted_as_plain_json(run, env, pip):
    run.install(env, "training")
    assert ready(run, "training") == [True]
    listed = (env / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "numpy==2.4.6" in listed
    assert [call[0] for call in pip.asked] == ["install", "install"]
    stamp = json.loads(run.stamp_path(env).read_text(encoding="utf-8"))
    assert stamp["wheel"] and all(isinstance(value, str) for value in stamp.values())


def test_a_larger_set_holds_the_smaller_and_not_the_other_way_round(run, env, pip):
    run.install(env, "server")
    assert ready(run, "server", "training") == [True, False]
    run.install(env, "test")
    assert ready(run, "server", "training", "test") == [True] * 3


@pytest.mark.parametrize(
    ("name", "line", "still"),
    [
        ("requirements.txt", "pillow==13.0.0", False),
        ("constraints.txt", "pillow==13.0.0", False),
        ("requirements.txt", "# words\n", True),
    ],
)
def test_a_changed_requirement_and_no_comment_is_installed_again(run, env, pip, name, line, still):
    run.install(env, "training")
    with (run.BACKEND / name).open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    assert ready(run, "training") == [still]


def test_an_interrupted_installation_leaves_no_stamp_and_the_next_begins_afresh(run, env, pip):
    run.install(env, "server")
    pip.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run.install(env, "training")
    assert not run.stamp_path(env).exists()
    assert ready(run, "server") == [False]
    pip.fails = None
    run.install(env, "server")
    assert len(pip.made) == 2


def test_another_python_or_another_place_makes_the_environment_afresh(run, env, pip):
    run.install(env, "server")
    for key in ("python", "place"):
        stamp = {**run.read_stamp(env), key: "elsewhere"}
        assert not run.is_ready(stamp, env, "server")


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_stamp_counts_as_none(run, env, text):
    env.mkdir()
    run.stamp_path(env).write_text(text, encoding="utf-8")
    assert run.read_stamp(env) == {}


def test_the_second_start_looks_for_nothing_and_is_quick(run, env, pip, monkeypatch, started):
    run.install(env, "training")
    monkeypatch.setattr(run, "has_nvidia", lambda: pytest.fail("asked again"))
    begin = time.process_time()
    assert run.main(["demo"]) == 0
    assert time.process_time() - begin < 0.5
    assert len(pip.asked) == 2, "nothing was installed again"


def test_a_python_without_tensorflow_is_refused_before_anything_is_made(run, env, pip, monkeypatch):
    with pytest.raises(run.SetupError, match=r"Python 3\.15.*\n.*3\.11, 3\.12 or 3\.13"):
        run.check_python("training", (3, 15))
    run.check_python("server", (3, 15))
    run.check_python("training", (3, 13))
    monkeypatch.setattr(run, "NEWEST_TRAINING", (3, 10))
    with pytest.raises(run.SetupError):
        run.install(env, "training")
    assert pip.made == []


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_debians_missing_venv_is_named_with_its_package(run, monkeypatch, module):
    there = run.importlib.util.find_spec
    monkeypatch.setattr(
        run.importlib.util, "find_spec", lambda name: None if name == module else there(name)
    )
    with pytest.raises(run.SetupError, match=rf"no module {module}(.|\n)*apt-get install python3"):
        run.check_venv()


@pytest.mark.parametrize(
    ("said", "found", "fix"),
    [
        ("NewConnectionError: [Errno 101] unreachable", "no package index", "connection"),
        ("getaddrinfo failed", "no package index", "HTTPS_PROXY"),
        ("ERROR: Could not find a version (from versions: none)", "from versions", "lack a wheel"),
        ("OSError: [Errno 28] No space left on device", "disk is full", "free some space"),
        ("x\nERROR: No matching distribution found for grain==9", "grain==9", "delete .venv"),
        ("", "no reason", "delete .venv"),
    ],
)
def test_pips_last_words_become_a_remedy(run, said, found, fix):
    lines = str(run.explain(said)).splitlines()
    assert found in lines[0] and fix in lines[2]


def test_a_failing_pip_shows_its_words_and_is_explained(run, monkeypatch, capfd):
    monkeypatch.setattr(run, "python_of", lambda _: Path(sys.executable))
    with pytest.raises(run.SetupError, match="pip stopped: ERROR"):
        run.pip(Path("env"), ["install", "--no-index", "/no/such/wheel.whl"])
    assert "/no/such/wheel.whl" in capfd.readouterr().err


def test_an_environment_that_cannot_be_made_is_explained(run, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    with pytest.raises(run.SetupError, match="no environment could be made"):
        run.make_environment(blocked / ".venv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tset"], "unknown verb 'tset'"),
        (["bench"], "bench without a name"),
        (["bench", "nothing_like_it"], "no benchmark 'nothing_like_it'"),
    ],
)
def test_a_slip_of_the_fingers_costs_no_installation(run, pip, started, capsys, arguments, said):
    assert run.main(arguments) == 2
    assert said in capsys.readouterr().err
    assert pip.asked == []


def test_without_a_verb_it_explains_itself(run, capsys):
    assert run.main([]) == 2
    assert run.main(["--help"]) == 0
    assert "python run.py demo" in capsys.readouterr().out


def test_a_verb_is_handed_over_with_its_arguments_where_the_user_stands(run, env, started):
    assert run.main(["train", "--epochs", "3", "--dataset_dir", "my data"]) == 0
    words = ["-m", "fingerspell", "train", "--epochs", "3", "--dataset_dir", "my data"]
    assert started == [([str(run.python_of(env)), *words], None)]


def test_the_server_installs_no_tensorflow_and_a_training_does(run, env, started):
    for verb, listed in (("serve", False), ("train", True)):
        run.main([verb])
        text = (env / "requirements.txt").read_text(encoding="utf-8")
        assert ("tensorflow" in text) is listed


@pytest.fixture
def programs(run) -> Path:
    """The folder of benchmarks: two programs in it, and what a program imports."""
    folder = run.ROOT / "benchmarks"
    (folder / "speed").mkdir(parents=True)
    for name in ("speed/loader", "speed/gpu"):
        text = 'if __name__ == "__main__":\n    pass\n'
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    (folder / "speed" / "tables.py").write_text("", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "has", "by_itself"),
    [
        ("speed/gpu", "torch", True),
        ("speed/gpu", "jax", True),
        ("speed/gpu", "", False),
        ("speed/loader", "torch", False),
    ],
)
def test_the_gpu_is_measured_by_a_python_with_a_gpu_backend_and_all_else_in_the_environment(
    run, env, pip, monkeypatch, started, programs, name, has, by_itself
):
    monkeypatch.setattr(run, "has_module", lambda name: name == has)
    assert run.benchmarks() == ["speed/gpu", "speed/loader"], "tables are no program"
    assert run.main(["bench", name, "--steps", "9"]) == 0
    python = sys.executable if by_itself else str(run.python_of(env))
    assert started == [([python, str(programs / f"{name}.py"), "--steps", "9"], run.ROOT)]
    assert env.exists() is not by_itself and len(pip.asked) == (0 if by_itself else 2)


def test_a_module_is_looked_for_and_not_loaded(run):
    assert run.has_module("antigravity") and not run.has_module("no_such_module")
    assert "antigravity" not in sys.modules


def test_test_goes_through_format_lint_types_and_tests_in_this_order(run, started):
    assert run.main(["test", "tests/live", "-k", "double"]) == 0
    assert [command[2] for command, _ in started] == ["ruff", "ruff", "mypy", "pytest"]
    assert started[-1][0][-3:] == ["tests/live", "-k", "double"]
    assert "not slow and not gpu" in started[-1][0]
    assert "-n" not in started[-1][0], "only the whole suite is spread over processes"
    run.main(["test"])
    assert "-n" in started[-1][0]


@pytest.mark.parametrize("broken", ["ruff", "mypy", "pytest"])
def test_a_failing_step_is_the_exit_code_and_the_others_still_run(run, pip, monkeypatch, broken):
    seen = []
    monkeypatch.setattr(
        run, "call", lambda command: seen.append(command[2]) or 3 * (command[2] == broken)
    )
    assert run.main(["test"]) == 3
    assert seen == ["ruff", "ruff", "mypy", "pytest"]


def test_the_exit_code_of_the_program_is_passed_on(run):
    assert run.call([sys.executable, "-c", "import sys; sys.exit(7)"]) == 7


def test_run_py_needs_the_standard_library_only_and_an_old_python_can_read_its_message():
    source = (ROOT / "run.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    position = {type(node).__name__: i for i, node in reversed(list(enumerate(tree.body)))}
    assert position["If"] < position["FunctionDef"], "the check comes before anything newer"
    imported = re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert "subprocess" in imported and set(imported) <= sys.stdlib_module_names
    assert "shell=True" not in source


def test_continuous_integration_calls_what_people_call():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    calls = [line.strip() for line in script.splitlines() if "run.py" in line and line[0] != "#"]
    assert calls == ["exec python run.py test", "exec python3 run.py test"]
    if os.name == "posix":
        assert os.access(ROOT / ".ci" / "run", os.X_OK)


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "backend" / name).read_text(encoding="utf-8").splitlines()
    rows = [x.split(" #")[0].strip() for x in lines if x.strip() and x[0] not in "#-"]
    assert all("==" in row for row in rows), "every version is pinned"
    pairs = (row.split("==") for row in rows)
    return {name.partition("[")[0]: version for name, version in pairs}


def test_nothing_is_pinned_twice_and_the_project_file_asks_for_what_is_pinned():
    seen = [package for name in FILES for package in pins(name)]
    assert len(seen) == len(set(seen))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, wanted in {
        "requirements.txt": project["dependencies"],
        "requirements_training.txt": [*extras["train"], *extras["download"]],
        "requirements_test.txt": extras["test"],
    }.items():
        assert "-c constraints.txt" in (ROOT / "backend" / name).read_text(encoding="utf-8")
        asked = {Requirement(x).name: Requirement(x).specifier for x in wanted}
        assert asked.keys() == pins(name).keys(), name
        for package, version in pins(name).items():
            assert version in asked[package], f"{package} {version} is not {asked[package]}"
    assert not set(pins("requirements.txt")) & {"tensorflow", "keras", "grain", "torch"}
