"""How well near-duplicate groups follow the truth, where the truth is known.

    python benchmarks/prepare/recall.py [--data ../shared/data] [--near_bits 10 12 16 18 20 24]

* `kaggle_alphabet`, `keptsecret`: five runs of 24 frames a class; each also with its numbers
  closed up, so that no gap ends a recording, and with names that tell nothing.
* `synthetic_films`: words spelled by synthetic hands, numbered through, a cut between any two.
* `massey`: five hands on black. `digits_218`: 218 people. `rooms`: 504 photographs in three
  variants each.

Saves `benchmarks/results/prepare_recall.json`. Sources that are not in the folder are omitted.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.circumstances import record
from benchmarks.prepare import tables
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


LETTERS = str.maketrans("0123456789", "ghijklmnop")
RENAMED: dict[str, Callable[[str, int], str]] = {
    "closed up": lambda label, place: f"{label}{place}.jpg",
    "nameless": lambda label, place: f"{label}{place * 7919:x}".translate(LETTERS),
}
"""File names without the gap that tells where a recording ends, and names that tell nothing."""


def renamed(known: Known, name: Callable[[str, int], str]) -> Known:
    """The same pictures under other file names."""
    places: Counter[str] = Counter()
    pictures = []
    for picture in known.pictures:
        label = picture.file.label
        path = picture.file.path.with_name(name(label, places[label]))
        places[label] += 1
        pictures.append(replace(picture, file=replace(picture.file, path=path)))
    return replace(known, pictures=pictures)


def synthetic_films(seeds: int = 2) -> Known:
    """Words spelled by synthetic hands, each in its own room; frames are numbered through."""
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
            for how, rule in RENAMED.items():
                yield f"{name}, {how}", renamed(known, rule)
    yield "synthetic_films", synthetic_films()
    if pictures := examined(data / "massey"):
        hands = [f"{p.file.label} {p.file.path.name[:5]}" for p in pictures]
        yield "massey", Known(pictures, hands)
    if pictures := examined(data / "digits_218"):
        yield "digits_218", Known(pictures, [str(p.file.path) for p in pictures])
    if pictures := examined(data / "rooms"):
        photos = [f"{p.file.label} {p.file.path.name.partition('.rf.')[0]}" for p in pictures]
        yield "rooms", Known(pictures, photos)


def examined(folder: Path) -> list[Picture]:
    """Returns the pictures of a source in the order of their names; none where it is absent."""
    return examine(scan([folder]).records)[0] if folder.is_dir() else []


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
    apart = [pair for runs in classes.values() for pair in combinations(runs.values(), 2)]
    films = list(members.values()) if known.films else []
    return {
        "neighbours": _share(a == b for run in films for a, b in pairwise(run)),
        "either_of_two": _share(
            run[i] in run[i + 1 : i + 3] for run in films for i in range(len(run) - 2)
        ),
        "merged": sum(bool(one & other) for one, other in apart),
        "pairs": len(apart),
        "largest": round(max(max(c.values()) / c.total() for c in by_class.values()), 3),
        "groups": {"all": sum(numbers), "least": numbers[0], "median": numbers[len(numbers) // 2]},
        "pictures": len(groups),
    }


def _share(holds: Iterable[bool]) -> float | None:
    answers = list(holds)
    return round(sum(answers) / len(answers), 4) if answers else None


def main(argv: list[str] | None = None) -> int:
    """Measures, saves the JSON, prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--near_bits", type=int, nargs="+", default=NEAR_BITS)
    args = parser.parse_args(argv)
    sources = {
        name: {str(bits): figures(known, bits) for bits in args.near_bits}
        for name, known in known_sources(args.data)
    }
    record("prepare_recall", "prepare/recall", argv, {"target": TARGET, "sources": sources})
    print("\n".join(tables.recall()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
