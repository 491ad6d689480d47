"""How well near-duplicate groups follow the truth, where the truth is known.

    python benchmarks/prepare_recall.py [--data ../shared/data] [--near_bits 10 12 16 18 20 24]

* `kaggle_alphabet`, `keptsecret`: five runs of 24 frames a class; each also with its numbers
  closed up, so that one recording follows the other without a gap, and with names that tell
  nothing.
* `synthetic_films`: spelled words drawn by this project, numbered through, a cut between any two.
* `massey`: five hands on black. `digits_218`: 218 people. `rooms`: 504 photographs in three
  variants each.

Saves `benchmarks/results/prepare_recall.json`. Sources that are not in the folder are left out.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

from circumstances import circumstances, save
from fingerspell.prepare.examine import Picture, examine
from fingerspell.prepare.groups import find_groups
from fingerspell.prepare.near_duplicates import dhash
from fingerspell.prepare.records import Record
from fingerspell.prepare.scan import scan

RUN = 24
NEAR_BITS = (10, 12, 16, 18, 20, 24)
WORDS = ("cab", "dig", "fox", "hum", "joy", "kiwi", "lamp", "quiz", "vest", "wren")
TARGET = 0.95


@dataclass(frozen=True)
class Known:
    """Pictures of one source, and for each the run, hand or photograph it truly belongs to.

    Where these are films, neighbouring pictures are neighbouring frames.
    """

    pictures: list[Picture]
    truth: list[str]
    films: bool = False


def runs(pictures: Sequence[Picture]) -> Known:
    """Every 24 pictures of a class, in the order of their numbers, are one run."""
    seen: Counter[str] = Counter()
    truth = []
    for picture in pictures:
        truth.append(f"{picture.file.label} {seen[picture.file.label] // RUN}")
        seen[picture.file.label] += 1
    return Known(list(pictures), truth, films=True)


def closed_up(known: Known) -> Known:
    """The same with the numbers closed up: no gap tells where a recording ends."""
    return _named(known, lambda label, place: f"{label}{place}.jpg")


def nameless(known: Known) -> Known:
    """The same with names from which nothing can be read."""
    letters = str.maketrans("0123456789", "ghijklmnop")
    return _named(known, lambda label, place: f"{label}{place * 7919:x}".translate(letters))


def _named(known: Known, name: Any) -> Known:
    places: Counter[str] = Counter()
    renamed = []
    for picture in known.pictures:
        label = picture.file.label
        path = picture.file.path.with_name(name(label, places[label]))
        places[label] += 1
        renamed.append(replace(picture, file=replace(picture.file, path=path)))
    return replace(known, pictures=renamed)


def synthetic_films(seeds: int = 2) -> Known:
    """Words spelled by synthetic hands, each in a room of its own; the frames are numbered through."""
    from fingerspell.synth.video import film

    pictures, truth = [], []
    for seed in range(seeds):
        for word in WORDS:
            for frame in film(word, seed=seed, size_px=(120, 160)):
                number = len(pictures)
                file = Record(Path(f"frame{number:05d}.jpg"), "film", "synthetic_films", 1, 1)
                pictures.append(Picture(file, str(number), dhash(frame.rgb), 160, 120))
                truth.append(f"{word} {seed}")
    return Known(pictures, truth, films=True)


def known_sources(data: Path) -> Iterator[tuple[str, Known]]:
    """Yields every source whose truth is known, by name."""
    for name in ("kaggle_alphabet", "keptsecret"):
        if pictures := examined(data / name):
            known = runs(pictures)
            yield name, known
            yield f"{name}, closed up", closed_up(known)
            yield f"{name}, nameless", nameless(known)
    yield "synthetic_films", synthetic_films()
    if pictures := examined(data / "massey"):
        yield (
            "massey",
            Known(pictures, [f"{p.file.label} {p.file.path.name[:5]}" for p in pictures]),
        )
    if pictures := examined(data / "digits_218"):
        yield "digits_218", Known(pictures, [str(p.file.path) for p in pictures])
    if pictures := examined(data / "rooms"):
        photos = [re.sub(r"\.rf\..*", "", p.file.path.name) for p in pictures]
        yield (
            "rooms",
            Known(pictures, [f"{p.file.label} {x}" for p, x in zip(pictures, photos, strict=True)]),
        )


def examined(folder: Path) -> list[Picture]:
    """Returns the pictures of a source in the order of their names; none where it is absent."""
    return examine(scan([folder]).files)[0] if folder.is_dir() else []


def figures(known: Known, near_bits: int) -> dict[str, Any]:
    """Returns what the groups of one source come to.

    `neighbours`: the share of neighbouring frames of one run that share a group (None where there
    are no films); `either_of_two`: the same with the nearer of the next two, since two cameras'
    frames are stored in turns. `merged` of `pairs`: pairs of runs (hands, photographs) of a class
    that have a group in common. `largest`: the largest share that one group has of any class.
    `groups`: how many there are, the least of a class and the median.
    """
    groups = find_groups(known.pictures, near_bits).groups
    members: dict[str, list[str]] = defaultdict(list)
    classes: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    by_class: dict[str, Counter[str]] = defaultdict(Counter)
    for picture, truth, group in zip(known.pictures, known.truth, groups, strict=True):
        members[truth].append(group)
        classes[picture.file.label][truth].add(group)
        by_class[picture.file.label][group] += 1
    numbers = sorted(len(groups) for groups in by_class.values())
    films = list(members.values()) if known.films else []
    return {
        "neighbours": _share(a == b for run in films for a, b in pairwise(run)),
        "either_of_two": _share(
            run[i] in run[i + 1 : i + 3] for run in films for i in range(len(run) - 2)
        ),
        "merged": sum(
            bool(one & other)
            for runs in classes.values()
            for one, other in combinations(runs.values(), 2)
        ),
        "pairs": sum(len(runs) * (len(runs) - 1) // 2 for runs in classes.values()),
        "largest": round(max(max(c.values()) / c.total() for c in by_class.values()), 3),
        "groups": {"all": sum(numbers), "least": numbers[0], "median": numbers[len(numbers) // 2]},
        "pictures": len(groups),
    }


def _share(holds: Iterable[bool]) -> float | None:
    answers = list(holds)
    return round(sum(answers) / len(answers), 4) if answers else None


def measure(data: Path, near_bits: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Returns `figures` by source and threshold."""
    return {
        name: {str(bits): figures(known, bits) for bits in near_bits}
        for name, known in known_sources(data)
    }


def table(sources: dict[str, dict[str, Any]]) -> str:
    """Returns the figures for a terminal."""
    head = f"{'':<28}{'bits':>5}{'neighbours':>12}{'of two':>9}{'merged':>14}{'groups':>8}"
    lines = [f"{head}{'least':>7}{'largest':>9}"]
    for name, by_bits in sources.items():
        for bits, row in by_bits.items():
            near, two = (_percent(row[key]) for key in ("neighbours", "either_of_two"))
            merged = f"{row['merged']}/{row['pairs']}"
            lines.append(
                f"{name:<28}{bits:>5}{near:>12}{two:>9}{merged:>14}{row['groups']['all']:>8}"
                f"{row['groups']['least']:>7}{row['largest']:>9.0%}"
            )
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def main(argv: list[str] | None = None) -> int:
    """Measures, prints the table, saves the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--near_bits", type=int, nargs="+", default=NEAR_BITS)
    args = parser.parse_args(argv)
    sources = measure(args.data, args.near_bits)
    print(table(sources))
    given = sys.argv[1:] if argv is None else argv
    command = shlex.join(["python", "benchmarks/prepare_recall.py", *given])
    save("prepare_recall", {**circumstances(command), "target": TARGET, "sources": sources})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
