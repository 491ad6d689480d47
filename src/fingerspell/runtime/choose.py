"""Which recogniser a command uses: the bundle, or the stand-in when USE_MOCK_MODEL asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fingerspell.errors import BundleError, ConfigError
from fingerspell.runtime.answer import Reader
from fingerspell.runtime.contract import FILE_NAME
from fingerspell.runtime.mock import MockRecogniser
from fingerspell.runtime.recogniser import Recogniser

MOCK_VARIABLE = "USE_MOCK_MODEL"


def wants_mock(environment: Mapping[str, str]) -> bool:
    """Reads USE_MOCK_MODEL: 1 the stand-in, 0 or unset the trained model."""
    value = environment.get(MOCK_VARIABLE, "").strip()
    if value not in ("", "0", "1"):
        raise ConfigError(
            found=f"{MOCK_VARIABLE}={value}",
            expected="0 (the trained model) or 1 (a stand-in that needs no model)",
            fix=f"unset {MOCK_VARIABLE}, or set it to 0 or 1",
        )
    return value == "1"


def choose(
    bundle: Path, environment: Mapping[str, str], *, precision: str = "float32", threads: int = 1
) -> Reader:
    """Returns the recogniser to use; raises `BundleError` that names both ways out."""
    if wants_mock(environment):
        return MockRecogniser()
    if not (bundle / FILE_NAME).is_file():
        raise BundleError(
            found=f"no trained recogniser in {bundle} ({FILE_NAME} is missing)",
            expected="the output folder of a finished training run",
            fix="train first (python backend/train_finetune.py --dataset_dir dataset), name the "
            f"folder with --bundle, or set {MOCK_VARIABLE}=1 for a stand-in without a model",
        )
    return Recogniser.load(bundle, precision=precision, threads=threads)
