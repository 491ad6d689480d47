"""A run written down as a recipe: a file that `--config` takes, with every setting in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from fingerspell.config.train import TrainConfig

LEFT_OUT = {"output_dir", "trust", "overwrite", "resume", "recipe_file", "recipe_sha256", "model"}
"""What belongs to one run of a recipe and not to the recipe; `model` is written field by field."""

HEAD = '''"""{title}

    fingerspell train --config {path}

{text}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fingerspell.config import {names}


def recipe(**given: Any) -> TrainConfig:
    return assemble(
        given,
{settings}
    )
'''


def as_recipe(config: TrainConfig, title: str, path: str, text: Sequence[str]) -> str:
    """Returns the text of a recipe file whose run is `config`, except for where it writes."""
    run = {f.name: getattr(config, f.name) for f in fields(config) if f.name not in LEFT_OUT}
    network = {f.name: getattr(config.model, f.name) for f in fields(config.model)}
    names = {
        "TrainConfig",
        "assemble",
        *(type(v).__name__ for v in run.values() if is_dataclass(v)),
    }
    names |= {type(phase).__name__ for phase in config.phases}
    lines = [f"        {name}={_code(value, 8)}," for name, value in (network | run).items()]
    return HEAD.format(
        title=_quoted(title),
        path=_quoted(path),
        text=_quoted("\n".join(text)),
        names=", ".join(sorted(names, key=_isort)),
        settings="\n".join(lines),
    )


def _quoted(text: str) -> str:
    """Returns text as it may stand in a docstring: a Windows path is no escape sequence."""
    return text.replace("\\", "\\\\").replace('"', "'")


def _isort(name: str) -> tuple[bool, str]:
    """Classes before functions, as formatters order them."""
    return name[0].islower(), name


def _code(value: Any, indent: int) -> str:
    """Returns Python source of a value."""
    inner = " " * (indent + 4)
    if isinstance(value, Path):
        return f"Path({value.as_posix()!r})"
    if is_dataclass(value):
        parts = [f"{f.name}={_code(getattr(value, f.name), indent + 4)}" for f in fields(value)]
        return "\n".join([f"{type(value).__name__}(", *(f"{inner}{p}," for p in parts),
                          " " * indent + ")"])  # fmt: skip
    if isinstance(value, tuple) and any(is_dataclass(one) for one in value):
        parts = [f"{inner}{_code(one, indent + 4)}," for one in value]
        return "\n".join(["(", *parts, " " * indent + ")"])
    return repr(value)
