"""What is installed: the package's files, its extras, and the backend that a command takes."""

import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fingerspell import backends, install
from fingerspell.assets import STARTER
from fingerspell.cli import main
from fingerspell.errors import ConfigError
from house import ROOT, SOURCE, imports, modules, room_of

NOT_TRAINING = {"cli", "doctor", "download", "serve"}
"""Rooms that no training enters."""

DISTRIBUTION = {
    "PIL": "pillow", "cv2": "opencv-python-headless", "ai_edge_litert": "ai-edge-litert",
    "yaml": "pyyaml", "markupsafe": "jinja2",
}  # fmt: skip
OF_AN_EXTRA = {
    "tensorflow": "train", "flatbuffers": "train", "torch": "torch", "jax": "jax", "ray": "cluster",
    "optuna": "tune", "sqlalchemy": "tune", "tf2onnx": "onnx", "onnx": "onnx",
    "onnxruntime": "onnx",
}  # fmt: skip
"""What only one way of training needs: the extra that brings it, itself or through another."""


def test_tensorflow_takes_onednn_on_every_processor_unless_it_was_told_otherwise():
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("TensorFlow has oneDNN built in on x86-64 only")
    told = "os.environ['TF_ENABLE_ONEDNN_OPTS']"
    heeded = (
        "import os, fingerspell.model; "
        "from tensorflow.python.util import _pywrap_util_port as port; "
        f"print({told}, port.IsMklEnabled())"
    )

    def said(code: str, **given: str) -> str:
        usual = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
        command = [sys.executable, "-c", code]
        return subprocess.check_output(command, env={**usual, **given}, text=True).split("\n")[-2]

    assert said(heeded) == "1 True"
    assert said(f"import os, fingerspell; print({told})", TF_ENABLE_ONEDNN_OPTS="0") == "0"


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]


def asked(lines: list[str]) -> dict[str, str]:
    """Requirements by name: `{"keras": "==3.15.*"}`, what stands in square brackets left out."""
    return {
        found[1].lower(): found[2]
        for found in (re.fullmatch(r"([\w.-]+)(?:\[[^]]*])?(.*)", line) for line in lines)
        if found
    }


def needed_to_train() -> set[str]:
    """The distributions that training, evaluation and their figures import, on any backend."""
    paths = [path for path in modules() if room_of(path) not in NOT_TRAINING]
    found = {name.split(".")[0] for path in paths for name in imports(path)}
    libraries = found - sys.stdlib_module_names - {"fingerspell", ""} - OF_AN_EXTRA.keys()
    return {DISTRIBUTION.get(name, name) for name in libraries}


@pytest.mark.parametrize("extra", ["train", "torch", "jax", "cluster"])
def test_every_backend_comes_with_all_that_training_imports(extra):
    wanted = needed_to_train() - asked(PROJECT["project"]["dependencies"]).keys()
    assert "keras" in wanted and "grain" in wanted
    theirs, usual = asked(EXTRAS[extra]), asked(EXTRAS["train"])
    assert wanted <= theirs.keys()
    assert {name: theirs[name] for name in wanted} == {name: usual[name] for name in wanted}


def test_what_one_way_of_training_needs_is_in_its_extra():
    for name in ("tensorflow", "torch", "jax", "ray", "optuna"):
        assert name in asked(EXTRAS[OF_AN_EXTRA[name]])


def packed(package: Path) -> set[Path]:
    """The files that the globs of pyproject.toml take along."""
    globs = PROJECT["tool"]["setuptools"]["package-data"]["fingerspell"]
    return {path for pattern in globs for path in package.glob(pattern)}


def test_signs_type_hints_templates_and_their_style_sheet_are_packed():
    templates = set((SOURCE / "report" / "templates").iterdir())
    assert {"style.css", "base.html.j2", "data_card.md.j2"} <= {path.name for path in templates}
    assert {SOURCE / "py.typed", SOURCE / "synth/signs/A.toml", *templates} <= packed(SOURCE)


def test_every_file_of_the_released_recogniser_lies_inside_the_package_and_is_packed(tmp_path):
    assert STARTER == SOURCE / "assets" / "starter"
    folder = tmp_path / "assets" / "starter"
    folder.mkdir(parents=True)
    names = ("recogniser.json", "model_fp16.tflite", "starter_weights.npz", "model_card.md",
             "training_set_labels.txt")  # fmt: skip
    for name in names:
        (folder / name).write_bytes(b"")
    assert {folder / name for name in names} <= packed(tmp_path)


@pytest.fixture
def only(monkeypatch, tmp_path):
    """Makes a machine on which just the named packages are installed, without keras.json."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    def installed(*names: str) -> Path:
        monkeypatch.setattr(backends, "is_installed", lambda name: name in names)
        return tmp_path

    return installed


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_keras_own_order_decides_and_damaged_settings_mean_its_default(tmp_path, text):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}', encoding="utf-8")
    assert backends.chosen({"KERAS_BACKEND": "torch"}, tmp_path) == "torch"
    assert backends.chosen({"KERAS_BACKEND": ""}, tmp_path) == "jax"
    assert backends.chosen({}, tmp_path / "none") == "tensorflow"
    (tmp_path / "keras.json").write_text(text, encoding="utf-8")
    assert backends.chosen({}, tmp_path) == "tensorflow"


@pytest.mark.parametrize(
    ("there", "in_file", "given", "taken"),
    [
        (["tensorflow", "torch"], None, None, None),  # That is left to Keras.
        (["jax", "torch"], None, None, "torch"),
        (["jax"], "tensorflow", None, "jax"),  # Keras writes that file by itself.
        (["torch"], None, "jax", "jax"),  # The user's own word stays.
        (["torch", "numpy"], "numpy", None, "torch"),
        (["torch", "a.b", ""], "a.b", None, "torch"),
        (["torch", ""], "", None, "torch"),
        ([], None, None, None),
    ],
)
def test_the_first_installed_backend_is_taken_where_nobody_chose(
    only, there, in_file, given, taken
):
    home = only(*there)
    if in_file is not None:
        (home / "keras.json").write_text(json.dumps({"backend": in_file}), encoding="utf-8")
    environment = {"KERAS_BACKEND": given} if given else {}
    backends.settle(environment)
    assert environment.get("KERAS_BACKEND") == taken


@pytest.mark.parametrize(
    ("name", "meant"), [("pytorch", "torch"), ("Torch", "torch"), ("tf.keras", "tensorflow")]
)
def test_a_word_that_is_no_backend_is_told_with_those_that_are(name, meant):
    with pytest.raises(ConfigError) as caught:
        backends.require_known({"KERAS_BACKEND": name})
    assert caught.value.found == f"KERAS_BACKEND={name}"
    assert caught.value.expected == "one of tensorflow, torch, jax"
    assert f"to {meant}," in caught.value.fix
    for well in ({}, {"KERAS_BACKEND": ""}, {"KERAS_BACKEND": "jax"}):
        backends.require_known(well)


KERAS = ("fingerspell.pipeline", "fingerspell.train.estimate", "fingerspell.train.tune",
         "fingerspell.export.release")  # fmt: skip
"""What a command imports that computes with Keras."""


def keras_commands() -> list[str]:
    paths = sorted((SOURCE / "cli").glob("*.py"))
    return [p.stem for p in paths if any(name.startswith(KERAS) for name in imports(p))]


@pytest.mark.parametrize("name", keras_commands())
def test_every_command_that_computes_says_it_in_three_lines(name, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("KERAS_BACKEND", "pytorch")
    monkeypatch.setattr(backends, "is_installed", lambda name: False)
    monkeypatch.chdir(tmp_path)
    needed = {"adapt": ["--input_dir", "pictures"], "release": ["run"]}
    usual = {"demo", "estimate", "evaluate", "export", "train"}
    assert {*usual, *needed} <= {*keras_commands()}
    assert main.door(name, needed.get(name, [])) == 2
    exports = name in ("adapt", "export")
    said = "TensorFlow is not installed" if exports else "KERAS_BACKEND=pytorch"
    assert capsys.readouterr().err.startswith(f"error: {said}\n")
    assert list(tmp_path.iterdir()) == []


def test_an_export_takes_tensorflow_and_says_so_where_it_is_missing(only):
    only("tensorflow")
    environment = {"KERAS_BACKEND": "torch"}
    backends.settle_for_export(environment)
    assert environment == {"KERAS_BACKEND": "tensorflow"}
    only("jax")
    with pytest.raises(ConfigError, match="it alone writes SavedModel"):
        backends.settle_for_export(environment)


def test_a_package_that_is_missing_or_blocked_comes_with_its_command(monkeypatch):
    monkeypatch.setitem(backends.sys.modules, "torch", None)
    assert backends.is_installed("json") and not backends.is_installed("torch")
    missing = backends.missing(ModuleNotFoundError("no", name="absent_package.inner"))
    assert missing and "'absent_package'" in missing.found and missing.fix == install.training()


@pytest.mark.parametrize("name", ["fingerspell.absent", "json.absent", "pytest.absent", None])
def test_a_fault_of_ours_or_of_a_package_that_is_there_is_no_missing_package(name):
    assert backends.missing(ModuleNotFoundError("no", name=name)) is None


def test_the_commands_install_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for name, requirement in backends.REQUIREMENTS.items():
        extra = extras["train" if name == "tensorflow" else name]
        (asked,) = [line for line in extra if line.startswith(f"{name}==")]
        assert requirement == asked
        assert backends.install_backend(name) == install.pip("install", asked)
