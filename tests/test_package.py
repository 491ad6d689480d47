"""What an installed package brings with it."""

import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fingerspell.assets import STARTER
from house import ROOT, SOURCE, imports, modules, room_of

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
