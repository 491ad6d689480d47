"""Settings by their name (`finetune.learning_rate`), and the ranges in which to search for them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

from fingerspell.config.train import TrainConfig
from fingerspell.errors import ConfigError

_FIXED = {
    "seed", "threshold", "save_every_min", "save_every_steps", "trust", "overwrite", "resume",
    "recipe_file", "recipe_sha256", "name", "feature_cache_bytes",
}  # fmt: skip
"""Settings that are no matter of better or worse, or would be a search for a lucky number."""

_PARTS = ("model", "augment", "sampling")

Scalar = bool | int | float | str | None

_Kinds = tuple[type, ...]
_NAMES_OF_TYPES = {
    bool: "True or False", int: "a whole number", float: "a number", str: "a text",
    NoneType: "None",
}  # fmt: skip
"""The types that may be searched, and what they are called."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; `log` where factors count, not differences.

    `whole` where the setting is a whole number.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, in no order."""

    values: tuple[Scalar, ...]


Space = Mapping[str, Range | Choice]


def _settings(config: TrainConfig) -> dict[str, Scalar]:
    """Returns every setting that may be searched for, by name, with its value.

    A part of the run or a phase stands before the point. Stretches of one phase
    (`finetune 96px`, `finetune`) go by their first word and are changed together.
    """
    found = _scalars("", config)
    for part in _PARTS:
        found |= _scalars(f"{part}.", getattr(config, part))
    for phase in config.phases:
        found |= _scalars(f"{_family(phase.name)}.", phase)
    return found


def _scalars(prefix: str, part: Any) -> dict[str, Scalar]:
    return {prefix + name: getattr(part, name) for name in _kinds(type(part)) if name not in _FIXED}


def _kinds(part: type) -> dict[str, _Kinds]:
    """Returns what a part's fields take, by their annotations; only those of a single value."""
    kinds = {
        name: get_args(hint) if isinstance(hint, UnionType) else (hint,)
        for name, hint in get_type_hints(part).items()
    }
    return {name: found for name, found in kinds.items() if set(found) <= _NAMES_OF_TYPES.keys()}


def _family(phase_name: str) -> str:
    return phase_name.split(" ")[0]


def with_settings(config: TrainConfig, given: Mapping[str, Scalar]) -> TrainConfig:
    """Returns the run with settings of `settings` replaced; raises `ConfigError` if it cannot be.

    All are replaced at once: two rates that do not fit each other's old value fit together.
    """
    parts: dict[str, dict[str, Any]] = {}
    for name, value in given.items():
        part, _, last = name.rpartition(".")
        parts.setdefault(part, {})[last] = value
    changes: dict[str, Any] = dict(parts.pop("", {}))
    for part in _PARTS:
        if part in parts:
            changes[part] = replace(getattr(config, part), **parts[part])
    changes["phases"] = tuple(
        replace(phase, **parts.get(_family(phase.name), {})) for phase in config.phases
    )
    return replace(config, **changes)


def read_space(declared: Any, config: TrainConfig, where: str) -> Space:
    """Returns the checked ranges of a recipe file.

        search_space = {
            "finetune.learning_rate": (1e-5, 1e-3, "log"),
            "augment.zoom": (0.2, 0.8),
            "model.dropout": [0.1, 0.3, 0.5],
        }

    Round brackets hold a range, square ones a choice. Raises `ConfigError` for names that the
    run does not have, and for values that it does not take.
    """
    if not isinstance(declared, Mapping):
        raise _wrong(
            where, f"a {type(declared).__name__}", "a dictionary: name of a setting → range"
        )
    known = _settings(config)
    space: dict[str, Range | Choice] = {}
    for name, values in declared.items():
        if name not in known:
            raise _wrong(where, f"{name!r}, which is no setting to search for",
                         f"one of {', '.join(known)}")  # fmt: skip
        part, _, last = name.rpartition(".")
        kinds = _kinds(type(_owners(config, part)[0]))[last]
        space[name] = _read(where, name, values, known[name], kinds)
        for value in _ends(space[name]):
            _try(where, config, name, value, kinds)
    return space


def _read(where: str, name: str, values: Any, now: Scalar, kinds: _Kinds) -> Range | Choice:
    whole = float not in kinds
    match values:
        case tuple((low, high)) if _rising(low, high, kinds):
            return Range(low, high, whole=whole)
        case tuple((low, high, "log")) if _rising(low, high, kinds) and low > 0:
            return Range(low, high, log=True, whole=whole)
        case [_, _, *_] if isinstance(values, list) and _different(values):
            return Choice(tuple(values))
    numbers = "whole numbers" if whole else "numbers"
    raise _wrong(
        where,
        f"{name}: {values!r}, where the run has {now!r}",
        f'a range (low, high) or (low, high, "log") of rising {numbers}, above 0 for "log"; or a '
        "list of at least two different values",
    )


def _different(values: list[Any]) -> bool:
    scalars = all(v is None or isinstance(v, bool | int | float | str) for v in values)
    return scalars and len(set(map(repr, values))) == len(values)


def _rising(low: Any, high: Any, kinds: _Kinds) -> bool:
    """Whether these are two rising numbers of a kind that the setting takes."""
    numbers = tuple(kind for kind in kinds if kind in (int, float))
    return all(_fits(value, numbers) for value in (low, high)) and bool(low < high)


def _fits(value: Any, kinds: _Kinds) -> bool:
    """Whether a setting of these kinds takes a value: whole numbers are numbers, `True` is not."""
    if type(value) is int:
        return int in kinds or float in kinds
    return type(value) in kinds and not (isinstance(value, float) and not math.isfinite(value))


def _ends(values: Range | Choice) -> tuple[Scalar, ...]:
    return values.values if isinstance(values, Choice) else (values.low, values.high)


def _try(where: str, config: TrainConfig, name: str, value: Scalar, kinds: _Kinds) -> None:
    """Refuses a value that its own part does not take; phases are compared only in a trial."""
    if not _fits(value, kinds):
        names = " or ".join(_NAMES_OF_TYPES[kind] for kind in kinds)
        raise _wrong(where, f"{name}: {value!r}", f"a value that {name} takes: {names}")
    part, _, last = name.rpartition(".")
    for owner in _owners(config, part):
        replace(owner, **{last: value})


def _owners(config: TrainConfig, part: str) -> list[Any]:
    if not part:
        return [config]
    if part in _PARTS:
        return [getattr(config, part)]
    return [phase for phase in config.phases if _family(phase.name) == part]


def _wrong(where: str, found: str, expected: str) -> ConfigError:
    return ConfigError(
        found=f"search_space in {where} holds {found}",
        expected=expected,
        fix='for example search_space = {"finetune.learning_rate": (1e-5, 1e-3, "log")}',
    )
