"""`python run.py`: one environment, made once, and the user's road back from every failure."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


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


FILES = {
    "constraints.txt": "six==1.17.0\n",
    "requirements.txt": "-c constraints.txt\nnumpy==2.4.6  # arrays\n",
    "requirements_training.txt": "# training\n-r requirements.txt\ntensorflow==2.21.0\n",
    "requirements_test.txt": "-c constraints.txt\npytest==9.2.0\n",
}


class Pip:
    """Stands in for pip: notes what it is asked, and makes no connection."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self.fails = fails

    def __call__(self, env: Path, arguments: list[str]) -> None:
        self.asked.append(arguments)
        if self.fails:
            raise self.fails


@pytest.fixture
def pip(run, monkeypatch) -> Pip:
    fake = Pip()
    monkeypatch.setattr(run, "pip", fake)
    monkeypatch.setattr(run, "has_nvidia", lambda: False)
    monkeypatch.setattr(run, "make_environment", lambda env: make_empty(run, env))
    return fake


def make_empty(run: ModuleType, env: Path) -> None:
    run.python_of(env).parent.mkdir(parents=True, exist_ok=True)
    run.python_of(env).write_text("", encoding="utf-8")


def env_of(run: ModuleType) -> Path:
    return run.ROOT / ".venv"


def ready(run: ModuleType, which: str) -> bool:
    return run.is_ready(run.read_stamp(env_of(run)), env_of(run), which)


# --- which wheel -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "machine", "nvidia", "wheel"),
    [
        ("Linux", "x86_64", False, "tensorflow-cpu"),
        ("Linux", "x86_64", True, "tensorflow[and-cuda]"),
        ("Linux", "aarch64", False, "tensorflow"),
        ("Linux", "aarch64", True, "tensorflow[and-cuda]"),
        ("Windows", "AMD64", False, "tensorflow"),
        ("Windows", "AMD64", True, "tensorflow"),
        ("Darwin", "arm64", False, "tensorflow"),
    ],
)
def test_each_machine_gets_the_tensorflow_that_suits_it(run, system, machine, nvidia, wheel):
    assert run.wheel_for(system, machine, nvidia) == wheel


def test_only_one_tensorflow_is_ever_asked_for(run):
    for wheel in ("tensorflow", "tensorflow-cpu", "tensorflow[and-cuda]"):
        lines = run.requirement_lines("requirements_training.txt", wheel)
        assert [x for x in lines if x.startswith("tensorflow")] == [f"{wheel}==2.21.0"]


def test_a_gpu_program_that_fails_or_hangs_counts_as_no_gpu(run, monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda _: "nvidia-smi")
    for outcome in (OSError("no driver"), subprocess.TimeoutExpired("nvidia-smi", 20)):
        monkeypatch.setattr(run.subprocess, "run", lambda *_, o=outcome, **__: raise_(o))
        assert not run.has_nvidia()


def test_a_gpu_program_that_lists_a_gpu_counts(run, monkeypatch):
    monkeypatch.setattr(run.shutil, "which", lambda _: "nvidia-smi")
    answers = {0: True, 9: False}
    for code, expected in answers.items():
        answer = subprocess.CompletedProcess([], code, stdout="GPU 0: H100")
        monkeypatch.setattr(run.subprocess, "run", lambda *_, a=answer, **__: a)
        assert run.has_nvidia() is expected


def raise_(error: BaseException) -> None:
    raise error


# --- installing once ---------------------------------------------------------------------------


def test_requirements_are_installed_once(run, pip):
    run.install(env_of(run), "training")
    assert ready(run, "training")
    listed = (env_of(run) / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "numpy==2.4.6" in listed
    assert sum(line.startswith("tensorflow") for line in listed) == 1
    assert [call[0] for call in pip.asked] == ["install", "install"]


def test_a_larger_set_holds_the_smaller_and_not_the_other_way_round(run, pip):
    run.install(env_of(run), "server")
    assert ready(run, "server") and not ready(run, "training")
    run.install(env_of(run), "test")
    assert ready(run, "server") and ready(run, "training") and ready(run, "test")


@pytest.mark.parametrize("name", ["requirements.txt", "constraints.txt"])
def test_a_changed_requirement_is_installed_again(run, pip, name):
    run.install(env_of(run), "training")
    with (run.BACKEND / name).open("a", encoding="utf-8") as file:
        file.write("pillow==13.0.0\n")
    assert not ready(run, "training")


def test_a_changed_comment_is_not(run, pip):
    run.install(env_of(run), "training")
    with (run.BACKEND / "requirements.txt").open("a", encoding="utf-8") as file:
        file.write("# words\n\n")
    assert ready(run, "training")


def test_an_interrupted_installation_leaves_no_stamp(run, pip):
    run.install(env_of(run), "server")
    pip.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run.install(env_of(run), "training")
    assert not run.stamp_path(env_of(run)).exists()
    assert not ready(run, "server")


def test_after_an_interruption_the_environment_is_made_afresh(run, pip, monkeypatch):
    made = []
    monkeypatch.setattr(
        run, "make_environment", lambda env: (made.append(env), make_empty(run, env))
    )
    pip.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run.install(env_of(run), "server")
    pip.fails = None
    run.install(env_of(run), "server")
    assert len(made) == 2


def test_another_python_or_another_place_makes_the_environment_afresh(run, pip, monkeypatch):
    run.install(env_of(run), "server")
    for key in ("python", "place"):
        stamp = {**run.read_stamp(env_of(run)), key: "elsewhere"}
        assert not run.is_ready(stamp, env_of(run), "server")


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_damaged_stamp_counts_as_none(run, text):
    env_of(run).mkdir()
    run.stamp_path(env_of(run)).write_text(text, encoding="utf-8")
    assert run.read_stamp(env_of(run)) == {}


def test_a_gpu_is_looked_for_only_while_installing(run, pip, monkeypatch):
    run.install(env_of(run), "server")
    monkeypatch.setattr(run, "has_nvidia", lambda: pytest.fail("asked again"))
    monkeypatch.setattr(run, "verbs", lambda: ("doctor",))
    monkeypatch.setattr(run, "call", lambda command, folder=None: 0)
    assert run.main(["doctor"]) == 0


# --- what can go wrong -------------------------------------------------------------------------


def test_an_old_python_can_still_read_the_message():
    source = (ROOT / "run.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    position = {type(node).__name__: i for i, node in reversed(list(enumerate(tree.body)))}
    assert position["If"] < position["FunctionDef"], "the check comes before anything newer"


def test_a_python_without_tensorflow_wheels_is_refused_before_anything_is_made(run, pip):
    with pytest.raises(run.SetupError, match=r"Python 3\.15.*\n.*3\.11, 3\.12 or 3\.13"):
        run.check_python("training", (3, 15))
    run.check_python("server", (3, 15))
    run.check_python("training", (3, 13))


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
        (
            "NewConnectionError: [Errno 101] Network is unreachable",
            "no package index",
            "connection",
        ),
        ("getaddrinfo failed", "no package index", "HTTPS_PROXY"),
        ("ERROR: Could not find a version (from versions: none)", "from versions", "lack a wheel"),
        ("OSError: [Errno 28] No space left on device", "disk is full", "free some space"),
        ("x\nERROR: No matching distribution found for grain==9", "grain==9", "delete .venv"),
        ("", "no reason", "delete .venv"),
    ],
)
def test_pips_last_words_become_a_remedy(run, said, found, fix):
    message = str(run.explain(said))
    assert found in message.splitlines()[0]
    assert fix in message.splitlines()[2]


def test_a_failing_pip_shows_its_words_and_ends_with_code_2(run, monkeypatch, capfd):
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
def test_a_slip_of_the_fingers_costs_no_installation(
    run, pip, monkeypatch, capsys, arguments, said
):
    monkeypatch.setattr(run, "verbs", lambda: ("demo", "train"))
    assert run.main(arguments) == 2
    assert said in capsys.readouterr().err
    assert pip.asked == []


def test_without_a_verb_it_explains_itself(run, capsys):
    assert run.main([]) == 2
    assert run.main(["--help"]) == 0
    assert "python run.py demo" in capsys.readouterr().out


# --- what is started ---------------------------------------------------------------------------


@pytest.fixture
def started(run, pip, monkeypatch) -> list[tuple[list[str], Path | None]]:
    calls: list[tuple[list[str], Path | None]] = []

    def call(command: list[str], folder: Path | None = run.ROOT) -> int:
        calls.append((command[1:], folder))
        return 0

    monkeypatch.setattr(run, "call", call)
    monkeypatch.setattr(run, "verbs", lambda: ("demo", "train", "serve"))
    return calls


def test_a_verb_is_handed_over_with_its_arguments_where_the_user_stands(run, started):
    assert run.main(["train", "--epochs", "3", "--dataset_dir", "my data"]) == 0
    expected = ["-m", "fingerspell", "train", "--epochs", "3", "--dataset_dir", "my data"]
    assert started == [(expected, None)]


def test_the_server_installs_no_tensorflow(run, started):
    run.main(["serve"])
    assert "tensorflow" not in (env_of(run) / "requirements.txt").read_text(encoding="utf-8")


def programs(run, *names):
    for name in names:
        path = run.ROOT / "benchmarks" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('if __name__ == "__main__":\n    pass\n', encoding="utf-8")


def test_a_benchmark_is_run_by_its_name(run, started):
    programs(run, "speed/loader")
    assert run.main(["bench", "speed/loader", "--fast"]) == 0
    command, folder = started[0]
    assert command == [str(run.ROOT / "benchmarks" / "speed/loader.py"), "--fast"]
    assert folder == run.ROOT


def test_only_programs_are_benchmarks(run):
    programs(run, "pages", "speed/gpu")
    (run.ROOT / "benchmarks" / "speed" / "tables.py").write_text("", encoding="utf-8")
    assert run.benchmarks() == ["pages", "speed/gpu"]


@pytest.mark.parametrize("has", ["torch", "jax"])
def test_the_gpu_is_measured_by_the_python_that_brings_a_gpu_backend(
    run, pip, monkeypatch, started, has
):
    monkeypatch.setattr(run, "has_module", lambda name: name == has)
    calls = []
    monkeypatch.setattr(run, "call", lambda command, folder=None: calls.append(command) or 0)
    programs(run, "speed/gpu")
    assert run.main(["bench", "speed/gpu", "--steps", "9"]) == 0
    program = str(run.ROOT / "benchmarks" / "speed/gpu.py")
    assert calls == [[sys.executable, program, "--steps", "9"]]
    assert pip.asked == [] and not env_of(run).exists()


@pytest.mark.parametrize(
    ("name", "modules"), [("speed/gpu", ()), ("speed/loader", ("torch", "jax"))]
)
def test_everything_else_is_measured_in_the_environment(
    run, pip, monkeypatch, started, name, modules
):
    monkeypatch.setattr(run, "has_module", lambda one: one in modules)
    calls = []
    monkeypatch.setattr(run, "call", lambda command, folder=None: calls.append(command[0]) or 0)
    programs(run, name)
    assert run.main(["bench", name]) == 0
    assert calls == [str(run.python_of(env_of(run)))]
    assert len(pip.asked) == 2


def test_a_module_is_looked_for_and_not_loaded(run):
    assert run.has_module("json") and not run.has_module("no_such_module")
    assert "antigravity" not in sys.modules and run.has_module("antigravity")
    assert "antigravity" not in sys.modules


def test_test_goes_through_format_lint_types_and_tests_in_this_order(run, started):
    assert run.main(["test", "tests/live", "-k", "double"]) == 0
    programs = [command[1] for command, _ in started]
    assert programs == ["ruff", "ruff", "mypy", "pytest"]
    assert started[-1][0][-3:] == ["tests/live", "-k", "double"]
    assert "not slow and not gpu" in started[-1][0]


def test_only_the_whole_suite_is_spread_over_processes(run, started):
    run.main(["test"])
    run.main(["test", "tests/live"])
    whole, part = (command for command, _ in started if command[1] == "pytest")
    assert "-n" in whole
    assert "-n" not in part


@pytest.mark.parametrize("broken", ["ruff", "mypy", "pytest"])
def test_a_failing_step_is_the_exit_code_and_the_others_still_run(run, pip, monkeypatch, broken):
    seen = []

    def call(command: list[str], folder: Path | None = None) -> int:
        seen.append(command[2])
        return 3 if command[2] == broken else 0

    monkeypatch.setattr(run, "call", call)
    assert run.main(["test"]) == 3
    assert seen == ["ruff", "ruff", "mypy", "pytest"]


def test_the_exit_code_of_the_program_is_passed_on(run):
    assert run.call([sys.executable, "-c", "import sys; sys.exit(7)"]) == 7


# --- on this machine ---------------------------------------------------------------------------


def test_the_second_start_takes_less_than_a_second(run, pip, monkeypatch):
    run.install(env_of(run), "training")
    monkeypatch.setattr(run, "verbs", lambda: ("demo",))
    monkeypatch.setattr(run, "call", lambda command, folder=None: 0)
    begin = time.process_time()
    assert run.main(["demo"]) == 0
    assert time.process_time() - begin < 0.5
    assert len(pip.asked) == 2, "nothing was installed again"


def test_run_py_needs_the_standard_library_only():
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        name.split(".")[0]
        for node in top
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [x.name for x in node.names]
        )
    }
    assert names <= sys.stdlib_module_names
    assert "shell=True" not in (ROOT / "run.py").read_text(encoding="utf-8")


def test_continuous_integration_calls_what_people_call():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in script
    calls = [line.strip() for line in script.splitlines() if "run.py" in line and line[0] != "#"]
    assert calls == ["exec python run.py test", "exec python3 run.py test"]
    if os.name == "posix":
        assert os.access(ROOT / ".ci" / "run", os.X_OK)


# --- the requirement files ---------------------------------------------------------------------


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "backend" / name).read_text(encoding="utf-8").splitlines()
    rows = [x.split(" #")[0].strip() for x in lines if x.strip() and x[0] not in "#-"]
    assert all("==" in row for row in rows), "every version is pinned"
    pairs = (row.split("==") for row in rows)
    return {name.partition("[")[0]: version for name, version in pairs}


def test_nothing_is_pinned_twice_and_every_file_keeps_to_the_constraints():
    names = ["constraints.txt", "requirements.txt", "requirements_training.txt"]
    seen = [package for name in [*names, "requirements_test.txt"] for package in pins(name)]
    assert len(seen) == len(set(seen))
    for name in ("requirements.txt", "requirements_training.txt", "requirements_test.txt"):
        assert "-c constraints.txt" in (ROOT / "backend" / name).read_text(encoding="utf-8")


def test_the_server_needs_no_training_library():
    assert not set(pins("requirements.txt")) & {"tensorflow", "keras", "grain", "torch"}


def test_the_project_file_asks_for_what_is_pinned():
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pairs = {
        "requirements.txt": project["dependencies"],
        "requirements_training.txt": [
            *project["optional-dependencies"]["train"],
            *project["optional-dependencies"]["download"],
        ],
        "requirements_test.txt": project["optional-dependencies"]["test"],
    }
    for name, wanted in pairs.items():
        asked = {Requirement(x).name: Requirement(x).specifier for x in wanted}
        assert asked.keys() == pins(name).keys(), name
        for package, version in pins(name).items():
            assert version in asked[package], f"{package} {version} is not {asked[package]}"


def test_the_stamp_is_plain_json(run, pip):
    run.install(env_of(run), "server")
    stamp = json.loads(run.stamp_path(env_of(run)).read_text(encoding="utf-8"))
    assert stamp["wheel"] and all(isinstance(value, str) for value in stamp.values())
