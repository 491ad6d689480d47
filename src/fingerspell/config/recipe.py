"""Recipe files: a training run as one readable Python file, `configs/<name>.py`.

`load_recipe` runs such a file and says what is wrong with it, `assemble` and `guide` are what a
recipe calls, and `as_recipe` writes one.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from fingerspell.config.phase import ModelConfig, two_phases
from fingerspell.config.space import Space, read_space
from fingerspell.config.train import TrainConfig
from fingerspell.errors import ConfigError, FingerspellError, require

_NETWORK = tuple(field.name for field in fields(ModelConfig))
_RUN = tuple(field.name for field in fields(TrainConfig) if field.name != "model")

_LEFT_OUT = {"output_dir", "trust", "overwrite", "resume", "recipe_file", "recipe_sha256", "model"}
"""What belongs to one run of a recipe and not to the recipe; `model` is written field by field."""

_ENTRY = "recipe"
_SPACE = "search_space"
_EXAMPLE = "def recipe(**given): return guide(**given)"

_HEAD = '''"""{title}

    fingerspell train --config {path}

{text}
"""

from pathlib import Path
from typing import Any

from fingerspell.config import {names}


def recipe(**given: Any) -> TrainConfig:
    return assemble(
        given,
{settings}
    )
'''


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A loaded file: `build(**given)` makes its run, `space` are the ranges that it declares."""

    path: Path
    sha256: str
    build: Callable[..., Any]
    space: Any = field(default_factory=dict)

    def config(self, **given: Any) -> TrainConfig:
        """Returns the run with what the user has given; it remembers the file it came from.

        Raises `ConfigError` where the function does not take a setting, fails, or returns
        something else than a `TrainConfig`.
        """
        self._check_taken(given)
        try:
            made = self.build(**given)
        except FingerspellError:
            raise
        except Exception as error:  # A user's code may raise anything.
            found, expected = f"{_ENTRY}() in {self.path} failed", "a function that returns a "
            raise _failed(error, self.path, found, f"{expected}TrainConfig") from error
        if not isinstance(made, TrainConfig):
            raise ConfigError(
                found=f"{_ENTRY}() in {self.path} returned {type(made).__name__}",
                expected="a TrainConfig",
                fix="end it with: return assemble(given, ...)",
            )
        self.ranges(made)
        return replace(made, recipe_file=self.path.name, recipe_sha256=self.sha256)

    def ranges(self, config: TrainConfig) -> Space:
        """Returns the ranges that the file declares for its run; raises where one cannot be."""
        return read_space(self.space, config, str(self.path))

    def _check_taken(self, given: Mapping[str, Any]) -> None:
        try:
            inspect.signature(self.build).bind(**given)
        except (TypeError, ValueError) as error:  # ValueError: no signature, as some built-ins.
            raise ConfigError(
                found=f"{_ENTRY}() in {self.path}: {error}",
                expected="a function that may be called without arguments, and with any setting "
                "of the command line by its name",
                fix="add **given and pass it on: assemble(given, ...)",
            ) from error


def load_recipe(path: Path) -> RecipeFile:
    """Runs a recipe file and returns what it holds.

    Raises `ConfigError` where it is missing, is no Python, fails, or has no `recipe` function.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            found=f"--config {path} cannot be read ({error.strerror or error})",
            expected="a Python file with a recipe() function",
            fix="check the path; configs/quick.py is one",
        ) from error
    module = _run(path, content)
    build = getattr(module, _ENTRY, None)
    if build is None or not callable(build):
        raise ConfigError(
            found=f"{path} has no function {_ENTRY}()",
            expected="a Python file with a recipe() function that returns a TrainConfig",
            fix=f"write one: {_EXAMPLE}",
        )
    digest = hashlib.sha256(content).hexdigest()
    return RecipeFile(path, digest, build, getattr(module, _SPACE, {}))


def assemble(given: Mapping[str, Any], **own: Any) -> TrainConfig:
    """Returns the run of a recipe's `own` settings; what the user has `given` replaces them.

    Both name fields of `TrainConfig` or, for the network, of `ModelConfig`. The folders are
    `dataset` and `output` unless given. Raises `ConfigError` for unknown names.
    """
    folders = {"dataset_dir": Path("dataset"), "output_dir": Path("output")}
    settings = {**folders, **own, **given}
    for name in settings:
        require(
            name in _NETWORK or name in _RUN,
            found=f"a setting {name!r} that this recipe does not know",
            expected=f"one of {', '.join((*_RUN, *_NETWORK))}",
            fix="omit it, or give the file's recipe() a parameter of that name",
        )
    network = {name: settings.pop(name) for name in _NETWORK if name in settings}
    return TrainConfig(model=ModelConfig(**network), **settings)


def guide(
    *, epochs: int = 50, patience_epochs: int = 5, weights: str = "auto", **given: Any
) -> TrainConfig:
    """Returns the training guide's run, corrected: what `fingerspell train` does by itself.

    Synthetic hands are mixed in because nothing else helped unseen signers as much
    (docs/adr/0004-recipe.md).
    """
    return assemble(
        given,
        weights=weights,
        phases=two_phases(epochs, patience_epochs, pretrained=weights != "none"),
        synthetic_per_class=100,
    )


def as_recipe(config: TrainConfig, title: str, path: str, text: Sequence[str]) -> str:
    """Returns the text of a recipe file whose run is `config`, except for where it writes."""
    run = {f.name: getattr(config, f.name) for f in fields(config) if f.name not in _LEFT_OUT}
    network = {f.name: getattr(config.model, f.name) for f in fields(config.model)}
    parts = [part for part in (*run.values(), *config.phases) if is_dataclass(part)]
    names = {"TrainConfig", "assemble", *(type(part).__name__ for part in parts)}
    lines = [f"        {name}={_code(value, 8)}," for name, value in (network | run).items()]
    return _HEAD.format(
        title=_quoted(title),
        path=_quoted(path),
        text=_quoted("\n".join(text)),
        names=", ".join(sorted(names, key=_isort)),
        settings="\n".join(lines),
    )


def _run(path: Path, content: bytes) -> ModuleType:
    """Runs the very bytes that were hashed: Python's cache may hold an earlier text of the file."""
    if path.suffix != ".py":
        raise ConfigError(
            found=f"--config {path} is no Python file",
            expected="a name that ends in .py",
            fix="configs/quick.py is one",
        )
    module = ModuleType(f"fingerspell_recipe_{path.stem}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # Dataclasses in a recipe look for their module here.
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)
    except FingerspellError:
        raise
    except Exception as error:  # A user's code may raise anything.
        expected = "a Python file with a recipe() function"
        raise _failed(error, path, f"{path} cannot be run", expected) from error
    return module


def _failed(error: Exception, path: Path, found: str, expected: str) -> ConfigError:
    return ConfigError(
        found=f"{found} ({type(error).__name__}: {error})",
        expected=expected,
        fix=f"correct line {_line(error, path)} of {path.name}",
    )


def _line(error: Exception, path: Path) -> int:
    """Returns the line of the file in which an error arose, the first where it was elsewhere."""
    if isinstance(error, SyntaxError):
        return error.lineno or 1
    trace, found = error.__traceback__, 1
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _quoted(text: str) -> str:
    """Returns text as it may stand in a docstring: a Windows path is no escape sequence."""
    return text.replace("\\", "\\\\").replace('"', "'")


def _isort(name: str) -> tuple[bool, str]:
    """Classes before functions, as formatters order them."""
    return name[0].islower(), name


def _code(value: Any, indent: int) -> str:
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
