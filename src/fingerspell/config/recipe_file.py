"""One readable file = one run: reads `configs/<name>.py` and says what is wrong with it."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from fingerspell.config.space import Space, read_space
from fingerspell.config.train import TrainConfig
from fingerspell.errors import ConfigError, FingerspellError

ENTRY = "recipe"
SPACE = "search_space"
EXAMPLE = "def recipe(**given): return guide(**given)"


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
            raise ConfigError(
                found=f"{ENTRY}() in {self.path} failed ({_named(error)})",
                expected="a function that returns a TrainConfig",
                fix=f"mend line {_line(error, self.path)} of {self.path.name}",
            ) from error
        if not isinstance(made, TrainConfig):
            raise ConfigError(
                found=f"{ENTRY}() in {self.path} returned {type(made).__name__}",
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
                found=f"{ENTRY}() in {self.path}: {error}",
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
    build = getattr(module, ENTRY, None)
    if build is None or not callable(build):
        raise ConfigError(
            found=f"{path} has no function {ENTRY}()",
            expected="a Python file with a recipe() function that returns a TrainConfig",
            fix=f"write one: {EXAMPLE}",
        )
    digest = hashlib.sha256(content).hexdigest()
    return RecipeFile(path, digest, build, getattr(module, SPACE, {}))


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
        raise ConfigError(
            found=f"{path} cannot be run ({_named(error)})",
            expected="a Python file with a recipe() function",
            fix=f"mend line {_line(error, path)} of {path.name}",
        ) from error
    return module


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


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
