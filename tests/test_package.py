"""What an installed package brings with it."""

import tomllib
from pathlib import Path

import fingerspell
from fingerspell.assets import STARTER

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(fingerspell.__file__).resolve().parent


def globs() -> list[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["tool"]["setuptools"]["package-data"]["fingerspell"]


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
