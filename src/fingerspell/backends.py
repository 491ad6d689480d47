"""The Keras backend: which one is chosen, which are installed, what a command needs.

Standard library only, and used before Keras is loaded: Keras reads its choice once, on import.
"""

import difflib
import importlib.util
import json
import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from fingerspell import install
from fingerspell.errors import ConfigError, FingerspellError, require

VARIABLE = "KERAS_BACKEND"
EXPORTER = "tensorflow"
"""The backend that writes SavedModel, frozen graph and TFLite."""

REQUIREMENTS = {
    "tensorflow": "tensorflow==2.21.*",
    "torch": "torch==2.13.*",
    "jax": "jax==0.10.*",
}
"""Every backend that training runs on, in the order of preference, as pip is asked for it."""


def keras_home() -> Path:
    """Where Keras keeps its settings and downloaded weights."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def chosen(environment: Mapping[str, str], home: Path) -> str:
    """Returns the backend as Keras chooses it: KERAS_BACKEND, keras.json, TensorFlow."""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    try:
        settings = json.loads((home / "keras.json").read_text(encoding="utf-8"))
        return str(settings["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def is_installed(name: str) -> bool:
    """Says whether a package can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def install_backend(name: str) -> str:
    """Returns the command that installs a backend where this runs."""
    if name == EXPORTER and install.made_by_run_py():
        return install.training()
    return install.pip("install", REQUIREMENTS[name])


def settle(environment: MutableMapping[str, str]) -> None:
    """Selects the first installed backend where Keras would select one that is not installed.

    A KERAS_BACKEND that the user set stays. Keras writes keras.json by itself, with
    TensorFlow in it, so that file alone does not say that anybody chose.
    """
    if environment.get(VARIABLE):
        return
    name = chosen(environment, keras_home())
    if name in REQUIREMENTS and is_installed(name):
        return
    found = next((name for name in REQUIREMENTS if is_installed(name)), None)
    if found:
        environment[VARIABLE] = found


def require_known(environment: Mapping[str, str]) -> None:
    """Refuses a KERAS_BACKEND that nothing here trains on, before Keras ends in a traceback."""
    name = environment.get(VARIABLE) or EXPORTER
    near = difflib.get_close_matches(name.lower(), REQUIREMENTS, n=1)
    require(
        name in REQUIREMENTS,
        found=f"{VARIABLE}={name}",
        expected=f"one of {', '.join(REQUIREMENTS)}",
        fix=f"set {VARIABLE} to {near[0] if near else EXPORTER}, or omit it",
    )


def settle_for_export(environment: MutableMapping[str, str]) -> None:
    """Selects TensorFlow; raises `ConfigError` where it is missing, before Keras is imported."""
    require(
        is_installed(EXPORTER),
        found="TensorFlow is not installed",
        expected="TensorFlow: it alone writes SavedModel, frozen graph and TFLite",
        fix=install_backend(EXPORTER),
    )
    environment[VARIABLE] = EXPORTER


def missing(error: ModuleNotFoundError) -> FingerspellError | None:
    """Returns the error for a missing third-party package; None for any other missing module."""
    name = (error.name or "").split(".")[0]
    if not name or name in sys.stdlib_module_names or is_installed(name):
        return None
    return ConfigError(
        found=f"the package {name!r} is not installed",
        expected="the packages that this command works with",
        fix=install_backend(name) if name in REQUIREMENTS else install.training(),
    )
