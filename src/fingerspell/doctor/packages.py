"""Which packages a checkout pins, which are installed, and where the two differ."""

import re
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from fingerspell import install
from fingerspell.doctor.finding import Finding, fail, ok, warn

_CHECKOUT = Path(__file__).resolve().parents[3]
_SAME_MODULE = (("tensorflow", "tensorflow-cpu"), ("opencv-python-headless", "opencv-python"))
"""Pairs of distributions that hold the same module and overwrite each other."""


def _normal(name: str) -> str:
    """Returns a distribution's name as PEP 503 writes it: `ML_dtypes` is `ml-dtypes`."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name: str, folder: Path | None = None) -> dict[str, str]:
    """Reads `backend/<name>` as {package: version}; {} outside a checkout."""
    path = (folder or _CHECKOUT / "backend") / name
    if not path.is_file():
        return {}
    rows = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (row.split("==") for row in rows if "==" in row and not row.startswith("#"))
    return {_normal(package): version for package, version in pairs}


def installed() -> dict[str, str]:
    """Returns every installed distribution with its version."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:  # a half-removed distribution has none
            found.setdefault(_normal(name), distribution.version)
    return found


def check_packages(
    here: Mapping[str, str], server: Mapping[str, str], training: Mapping[str, str]
) -> list[Finding]:
    """Compares what is installed with the pins; the server's packages are indispensable."""
    seen = _with_tensorflow(here)
    findings = [
        *_missing("server packages", seen, server, install.server(), fatal=True),
        *_missing("training packages", seen, training, install.training(), fatal=False),
        *_other_versions(seen, {**server, **training}),
        *_clashes(here),
    ]
    return findings or [ok("packages", f"{len(server) + len(training)} installed as pinned")]


def _with_tensorflow(here: Mapping[str, str]) -> dict[str, str]:
    """`tensorflow-cpu` counts as TensorFlow: it is the same module without the GPU part."""
    alias = {"tensorflow": here["tensorflow-cpu"]} if "tensorflow-cpu" in here else {}
    return {**alias, **here}


def _missing(
    topic: str, here: Mapping[str, str], wanted: Mapping[str, str], fix: str, *, fatal: bool
) -> list[Finding]:
    names = [name for name in wanted if name not in here]
    if not names:
        return []
    return [(fail if fatal else warn)(topic, f"not installed: {', '.join(names)}", fix)]


def _other_versions(here: Mapping[str, str], wanted: Mapping[str, str]) -> list[Finding]:
    differing = {x: pin for x, pin in wanted.items() if here.get(x, pin) != pin}
    if not differing:
        return []
    found = ", ".join(f"{name} {here[name]} (pinned {pin})" for name, pin in differing.items())
    if "tensorflow-cpu" in here and "tensorflow" in differing:
        differing["tensorflow-cpu"] = differing.pop("tensorflow")
    fix = install.pip("install", *(f"{name}=={pin}" for name, pin in differing.items()))
    return [warn("versions", f"not as tested: {found}", fix)]


def _clashes(here: Mapping[str, str]) -> list[Finding]:
    return [
        fail(
            "clash",
            f"{first} and {second} are both installed and overwrite each other",
            f"{install.pip('uninstall', '-y', first, second)}, then {install.training()}",
        )
        for first, second in _SAME_MODULE
        if first in here and second in here
    ]
