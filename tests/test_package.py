"""What an installed package brings with it."""

import ast
import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fingerspell
from fingerspell.assets import STARTER

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(fingerspell.__file__).resolve().parent


NOT_TRAINING = {"cli", "doctor", "download", "serve"}
"""Rooms that no training enters."""

DISTRIBUTION = {
    "PIL": "pillow", "cv2": "opencv-python-headless", "ai_edge_litert": "ai-edge-litert",
    "yaml": "pyyaml", "markupsafe": "jinja2",
}  # fmt: skip
OF_AN_EXTRA = {
    "tensorflow": "train", "flatbuffers": "train", "torch": "torch", "jax": "jax", "ray": "cluster",
    "optuna": "tune", "sqlalchemy": "tune",
}  # fmt: skip
"""What only one way of training needs: the extra that brings it, itself or through another."""


def onednn(code: str, **given: str) -> str:
    """What Python prints where nothing but `given` is said about oneDNN."""
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **given}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout.splitlines()[-1]


def test_tensorflow_takes_onednn_on_every_processor_unless_it_was_told_otherwise():
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("TensorFlow has oneDNN built in on x86-64 only")
    told = "os.environ['TF_ENABLE_ONEDNN_OPTS']"
    heeded = (
        "import os, fingerspell.model; "
        "from tensorflow.python.util import _pywrap_util_port as port; "
        f"print({told}, port.IsMklEnabled())"
    )
    assert onednn(heeded) == "1 True"
    assert onednn(f"import os, fingerspell; print({told})", TF_ENABLE_ONEDNN_OPTS="0") == "0"


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked(lines: list[str]) -> dict[str, str]:
    """Requirements by name: `{"keras": "==3.15.*"}`, what stands in square brackets left out."""
    return {
        found[1].lower(): found[2]
        for found in (re.fullmatch(r"([\w.-]+)(?:\[[^]]*])?(.*)", line) for line in lines)
        if found
    }


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def needed_to_train() -> set[str]:
    """The distributions that training, evaluation and their figures import, on any backend."""
    found = set[str]()
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in NOT_TRAINING:
            found |= imported(path)
    libraries = found - sys.stdlib_module_names - {"fingerspell"} - OF_AN_EXTRA.keys()
    return {DISTRIBUTION.get(name, name) for name in libraries}


@pytest.mark.parametrize("extra", ["train", "torch", "jax", "cluster"])
def test_every_backend_comes_with_all_that_training_imports(extra):
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    wanted = needed_to_train() - asked(project["dependencies"]).keys()
    assert "keras" in wanted and "grain" in wanted
    assert wanted <= asked(extras[extra]).keys()
    theirs, usual = asked(extras[extra]), asked(extras["train"])
    assert {name: theirs[name] for name in wanted} == {name: usual[name] for name in wanted}


def test_what_one_way_of_training_needs_is_in_its_extra():
    extras = pyproject()["project"]["optional-dependencies"]
    for name in ("tensorflow", "torch", "jax", "ray", "optuna"):
        assert name in asked(extras[OF_AN_EXTRA[name]])


def globs() -> list[str]:
    return pyproject()["tool"]["setuptools"]["package-data"]["fingerspell"]


def packed(package: Path) -> set[Path]:
    """The files that the globs of pyproject.toml take along."""
    return {path for pattern in globs() for path in package.glob(pattern)}


def test_the_released_recogniser_lies_inside_the_package():
    assert STARTER.parent == PACKAGE / "assets"


def test_every_file_of_the_released_recogniser_is_packed(tmp_path):
    folder = tmp_path / "assets" / "starter"
    folder.mkdir(parents=True)
    names = (
        "recogniser.json", "model_fp16.tflite", "starter_weights.npz", "model_card.md",
        "training_set_labels.txt",
    )  # fmt: skip
    for name in names:
        (folder / name).write_bytes(b"")
    assert {folder / name for name in names} <= packed(tmp_path)
    assert tmp_path / "elsewhere" not in packed(tmp_path)


def test_signs_and_type_hints_are_packed():
    assert PACKAGE / "py.typed" in packed(PACKAGE)
    assert PACKAGE / "synth" / "signs" / "A.toml" in packed(PACKAGE)


def test_templates_and_their_style_sheet_are_packed():
    templates = PACKAGE / "report" / "templates"
    found = set(templates.iterdir())
    assert {"style.css", "base.html.j2", "data_card.md.j2"} <= {path.name for path in found}
    assert found <= packed(PACKAGE)
