"""The catalogue of photograph sources: licence, who is seen, and what each may be used for.

Training, measuring, pages and model card all take the sources from `catalogue.toml`.
"""

import argparse
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_suffix(".toml")

RELEASE, STUDY, UNSEEN = "release", "study", "unseen test"
USES = (RELEASE, STUDY, UNSEEN)
STATED, WEAK, NONE = STRENGTHS = ("stated", "weak", "none")
"""How firm a licence statement is; a weak one says why in `remark`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One collection of photographs. `name` is its folder here, `pictures` their number."""

    name: str
    repository: str
    licence: str
    strength: str
    who: str
    classes: str
    pictures: int
    use: str
    remark: str = ""

    def __post_init__(self) -> None:
        for value, known in ((self.use, USES), (self.strength, STRENGTHS)):
            if value not in known:
                raise ValueError(f"{self.name}: {value!r} is none of {', '.join(known)}")
        if self.strength == WEAK and not self.remark:
            raise ValueError(f"{self.name}: a weak licence statement needs a remark")
        if self.use == RELEASE and self.strength == NONE:
            raise ValueError(f"{self.name}: without a licence it may not train a release")


@cache
def catalogue(file: Path = FILE) -> tuple[Source, ...]:
    """Reads every source; `TypeError` where a field is missing, `ValueError` for a wrong one."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["source"]
    sources = [Source(**entry) for entry in entries]
    names = [source.name for source in sources]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{file} names {', '.join(sorted(twice))} twice")
    return tuple(sources)


def used_for(*uses: str) -> tuple[Source, ...]:
    """Returns the sources of these uses, in the catalogue's order."""
    return tuple(source for source in catalogue() if source.use in uses)


def names_for(*uses: str, strict: bool = False) -> tuple[str, ...]:
    """Returns their names; `strict` leaves out those with a weak licence statement."""
    return tuple(s.name for s in used_for(*uses) if not strict or s.strength != WEAK)


def require_sources(parser: argparse.ArgumentParser, data: Path, names: Iterable[str]) -> None:
    """Ends with code 2 where `data` lacks a source, before any is read for minutes."""
    if missing := [name for name in names if not (data / name).is_dir()]:
        parser.error(f"{data} has no {', '.join(missing)}: name the folder of all sources")


def table(sources: Sequence[Source], with_use: bool = True) -> list[str]:
    """Returns the sources as a Markdown table; `with_use` adds classes, number and use."""
    head = ["source", "published as", "licence stated there", "who is seen", "remark"]
    head += ["classes", "pictures", "used for"] if with_use else []
    rows = []
    for s in sources:
        licence = f"{s.licence} (weak)" if s.strength == WEAK else s.licence
        cells = [f"`{s.name}`", s.repository, licence, s.who, s.remark]
        cells += [s.classes, f"{s.pictures:,}", s.use] if with_use else []
        rows.append(f"| {' | '.join(cells)} |")
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows]
